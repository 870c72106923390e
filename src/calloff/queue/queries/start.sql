SELECT start_calls(%(deployment_id)s, %(call_ids)s, %(tokens)s) AS value
