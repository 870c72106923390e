-- The queues in which the window of a live call has closed.
SELECT q.deployment_id
FROM queue AS q
WHERE EXISTS (
    SELECT FROM call AS c
    WHERE c.deployment_id = q.deployment_id AND c.epoch = q.epoch AND c.state = 'queued'
      AND c.end_at <= clock_timestamp()
)
