-- Every call as its readers see it: a pending call that was called off reads `canceled` at once.
DROP VIEW IF EXISTS call_status;
CREATE VIEW call_status AS
SELECT
    c.*,
    CASE
        WHEN c.state IN ('queued', 'claimed') AND c.epoch < q.epoch THEN 'canceled'
        WHEN c.state = 'claimed' THEN 'queued'
        ELSE c.state
    END AS status,
    CASE WHEN c.state IN ('queued', 'claimed') AND c.epoch < q.epoch THEN x.canceled_at END AS called_off_at
FROM call AS c
JOIN queue AS q ON q.deployment_id = c.deployment_id
LEFT JOIN cancellation AS x ON x.deployment_id = c.deployment_id AND x.epoch = c.epoch + 1;
