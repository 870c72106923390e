-- Writes down one batch of what a cancel called off in a lane, after the given place, and returns the place it came to. What
-- is claimed is left to its dialer, who gives it back, because it cannot start it any more.
WITH batch AS (
    SELECT c.id, c.due_at
    FROM call AS c
    WHERE c.deployment_id = %(deployment_id)s AND c.epoch = %(epoch)s AND c.state = 'queued'
      AND (c.due_at, c.id) > (%(due_at)s, %(call_id)s)
    ORDER BY c.due_at, c.id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), settled AS (
    UPDATE call AS c
    SET state = 'canceled', ended_at = x.canceled_at,
        events = c.events || event('canceled', x.canceled_at)
    FROM batch AS b
    JOIN cancellation AS x ON x.deployment_id = %(deployment_id)s
     AND x.epoch = (SELECT called_off_by(%(deployment_id)s, %(epoch)s))
    WHERE c.id = b.id AND c.deployment_id = %(deployment_id)s
    RETURNING c.id, c.due_at
), told AS (
    UPDATE cancellation AS x
    SET settled_calls = settled_calls + s.calls
    FROM (SELECT count(*) AS calls FROM settled) AS s
    WHERE x.deployment_id = %(deployment_id)s AND x.epoch = (SELECT called_off_by(%(deployment_id)s, %(epoch)s))
)
SELECT due_at, id AS call_id, count(*) OVER () AS calls
FROM settled
ORDER BY due_at DESC, id DESC
LIMIT 1
