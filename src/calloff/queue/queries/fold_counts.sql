-- Brings the slots of past epochs together into one row a kind.
WITH gone AS (
    DELETE FROM call_count AS n
    USING queue AS q
    WHERE q.deployment_id = n.deployment_id AND q.deployment_id = %(deployment_id)s AND n.epoch < q.epoch
    RETURNING n.*
)
INSERT INTO call_count AS n (deployment_id, epoch, state, result, slot, calls)
SELECT deployment_id, epoch, state, result, 0, sum(calls)
FROM gone
GROUP BY 1, 2, 3, 4
HAVING sum(calls) <> 0
ORDER BY 1, 2, 3, 4
ON CONFLICT (deployment_id, epoch, state, result, slot) DO UPDATE SET calls = n.calls + excluded.calls
