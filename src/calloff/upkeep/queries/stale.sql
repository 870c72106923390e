-- The queues in which canceled calls wait for the settler; by the counts, because the index of the calls is full of
-- dead entries just after the settler was at work.
SELECT q.deployment_id
FROM queue AS q
CROSS JOIN LATERAL (
    SELECT sum(n.calls) AS calls FROM call_count AS n
    WHERE n.deployment_id = q.deployment_id AND n.epoch BETWEEN 0 AND q.epoch - 1 AND n.state = 'queued'
) AS waiting
WHERE waiting.calls > 0
