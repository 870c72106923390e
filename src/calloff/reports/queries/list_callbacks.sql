SELECT call_id, deployment_id, host, created_at, attempts, next_attempt_at, delivered_at, gave_up_at,
       (deliveries -> -1 ->> 'status')::int AS last_status, deliveries -> -1 ->> 'error' AS last_error
FROM callback
WHERE deployment_id = %(deployment_id)s AND call_id < %(before)s
  AND (NOT %(undelivered)s OR delivered_at IS NULL)
ORDER BY call_id DESC
LIMIT %(limit)s
