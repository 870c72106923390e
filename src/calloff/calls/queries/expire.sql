SELECT expire_calls(%(deployment_id)s, %(limit)s) AS value
