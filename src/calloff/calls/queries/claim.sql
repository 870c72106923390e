SELECT claim_calls(%(deployment_id)s, %(dialer_id)s, %(limit)s, %(horizon)s) AS value
