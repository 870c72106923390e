SELECT created_at, next_attempt_at, delivered_at, gave_up_at, deliveries
FROM callback
WHERE call_id = %(call_id)s AND deployment_id = %(deployment_id)s
