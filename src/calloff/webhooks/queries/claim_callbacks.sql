WITH due AS (
    SELECT call_id, deployment_id FROM callback
    WHERE host = %(host)s AND delivered_at IS NULL AND gave_up_at IS NULL AND next_attempt_at <= now()
    ORDER BY next_attempt_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE callback AS c
SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => %(lease)s)
FROM due, deployment AS d
WHERE c.call_id = due.call_id AND c.deployment_id = due.deployment_id AND d.id = c.deployment_id
RETURNING c.call_id, c.deployment_id, c.attempts, c.failures, d.callback_format
