SELECT delete_deployment(%(deployment_id)s, %(user_id)s, %(origin)s) AS value
