-- Brings the slots of past epochs together into one row a kind, and drops those that count nothing. Locks the rows in
-- the order in which the triggers on `call` do.
WITH past AS MATERIALIZED (
    SELECT n.deployment_id, n.epoch, n.state, n.result, n.slot
    FROM call_count AS n
    WHERE n.deployment_id = %(deployment_id)s
      AND n.epoch BETWEEN 0 AND (SELECT q.epoch - 1 FROM queue AS q WHERE q.deployment_id = %(deployment_id)s)
    ORDER BY n.epoch, n.state, n.result, n.slot
    FOR UPDATE
), gone AS (
    DELETE FROM call_count AS n
    USING past AS p
    WHERE (n.deployment_id, n.epoch, n.state, n.result, n.slot) = (p.deployment_id, p.epoch, p.state, p.result, p.slot)
    RETURNING n.*
)
INSERT INTO call_count AS n (deployment_id, epoch, state, result, slot, calls)
SELECT deployment_id, epoch, state, result, -1, sum(calls)
FROM gone
GROUP BY 1, 2, 3, 4
HAVING sum(calls) <> 0
ORDER BY 1, 2, 3, 4
ON CONFLICT (deployment_id, epoch, state, result, slot) DO UPDATE SET calls = n.calls + excluded.calls
