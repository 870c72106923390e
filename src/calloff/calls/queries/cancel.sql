SELECT cancel_pending(%(deployment_id)s, %(user_id)s, %(origin)s, %(hangs_up)s) AS value
