-- The lanes in which canceled calls wait for the settler; by the counts, because the index of the calls is full of dead
-- entries just after the settler was at work.
SELECT n.deployment_id, n.epoch
FROM (
    SELECT deployment_id, epoch FROM call_count WHERE state = 'queued' AND epoch >= 0
    GROUP BY 1, 2 HAVING sum(calls) > 0
) AS n
WHERE called_off_by(n.deployment_id, n.epoch) IS NOT NULL
