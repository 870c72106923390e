-- Every call as its readers see it: a pending call that was called off reads `canceled` at once.
DROP VIEW IF EXISTS call_status;
CREATE VIEW call_status AS
SELECT
    c.*,
    CASE
        WHEN x.canceled_at IS NOT NULL THEN 'canceled'
        WHEN c.state = 'claimed' THEN 'queued'
        ELSE c.state
    END AS status,
    x.canceled_at AS called_off_at,
    l.id AS list_id
FROM call AS c
LEFT JOIN list AS l ON l.deployment_id = c.deployment_id AND l.epoch = c.epoch
-- As `called_off_by` has it, for many calls at once.
LEFT JOIN LATERAL (
    SELECT min(x.canceled_at) AS canceled_at
    FROM cancellation AS x
    WHERE c.state IN ('queued', 'claimed') AND x.deployment_id = c.deployment_id
      AND x.epoch IN (c.epoch + 1, l.queue_epoch + 1)
) AS x ON true;
