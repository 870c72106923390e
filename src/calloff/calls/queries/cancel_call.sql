SELECT cancel_call(%(deployment_id)s, %(call_id)s) AS value
