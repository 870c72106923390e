-- The queues in which the window of a live call has closed. (`now()`, because a volatile function is no bound for an
-- index scan, and one probe of the index a lane, because a join might read every call.)
SELECT DISTINCT n.deployment_id
FROM lane AS n
CROSS JOIN LATERAL (
    SELECT FROM call AS c
    WHERE c.deployment_id = n.deployment_id AND c.epoch = n.epoch AND c.state = 'queued' AND c.end_at <= now()
    ORDER BY c.end_at
    LIMIT 1
) AS closed
