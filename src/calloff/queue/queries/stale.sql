-- The queues in which canceled calls wait for the settler.
SELECT q.deployment_id
FROM queue AS q
WHERE EXISTS (
    SELECT FROM call AS c
    WHERE c.deployment_id = q.deployment_id AND c.epoch < q.epoch AND c.state IN ('queued', 'claimed')
)
