-- The queues in which the window of a live call has closed. (`now()`, because a volatile function is no bound for an
-- index scan, and one probe of the index a queue, because a join might read every call.)
SELECT q.deployment_id
FROM queue AS q
CROSS JOIN LATERAL (
    SELECT FROM call AS c
    WHERE c.deployment_id = q.deployment_id AND c.epoch = q.epoch AND c.state = 'queued' AND c.end_at <= now()
    ORDER BY c.end_at
    LIMIT 1
) AS closed
