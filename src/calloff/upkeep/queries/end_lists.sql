-- Ends the lists whose calls are all over, with how they ended; from then on, these are counted with those of the deployment.
-- Nothing counts there any more, so that nobody waits for the rows.
WITH over AS MATERIALIZED (
    SELECT l.deployment_id, l.epoch
    FROM list AS l
    WHERE l.ended_at IS NULL
      AND NOT EXISTS (
          SELECT FROM call_count AS n
          WHERE n.deployment_id = l.deployment_id AND n.epoch = l.epoch
            AND n.state NOT IN ('completed', 'failed', 'canceled')
          GROUP BY n.state HAVING sum(n.calls) > 0)
), gone AS (
    DELETE FROM call_count AS n
    USING over AS o
    WHERE n.deployment_id = o.deployment_id AND n.epoch = o.epoch
    RETURNING n.deployment_id, n.epoch, n.state, n.result, n.calls
), moved AS (
    INSERT INTO call_count AS n (deployment_id, epoch, state, result, slot, calls)
    SELECT deployment_id, -1, state, result, -1, sum(calls)
    FROM gone
    GROUP BY 1, 3, 4
    HAVING sum(calls) <> 0
    ORDER BY 1, 3, 4
    ON CONFLICT (deployment_id, epoch, state, result, slot) DO UPDATE SET calls = n.calls + excluded.calls
)
UPDATE list AS l
SET ended_at = now(), results = coalesce((
    SELECT jsonb_object_agg(r.result, r.calls)
    FROM (SELECT CASE WHEN g.state = 'canceled' THEN 'canceled' ELSE g.result END AS result, sum(g.calls) AS calls
          FROM gone AS g
          WHERE g.deployment_id = l.deployment_id AND g.epoch = l.epoch
          GROUP BY 1 HAVING sum(g.calls) <> 0) AS r), '{}')
FROM over AS o
WHERE l.deployment_id = o.deployment_id AND l.epoch = o.epoch
