SELECT cancel_list(%(deployment_id)s, %(list_id)s, %(user_id)s, %(origin)s) AS value
