SELECT created_at, attempts, next_attempt_at, delivered_at, gave_up_at, last_status, last_error
FROM callback
WHERE call_id = %(call_id)s AND deployment_id = %(deployment_id)s
