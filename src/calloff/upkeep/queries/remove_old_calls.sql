-- Removes what is old enough among the next calls by ID, with their callbacks and traces. IDs grow with time, so a walk that
-- begins at the lowest one and stops at the first batch that is too young has seen everything that is old. A call whose
-- callback is still to be delivered stays, however old it is.
WITH batch AS (
    SELECT id, queued_at, ended_at
    FROM call
    WHERE id > %(after)s
    ORDER BY id
    LIMIT %(limit)s
), removed AS (
    DELETE FROM call AS c
    -- Not a join: a planner that does not know the limit yet would read both tables from end to end.
    WHERE c.id = ANY (ARRAY(SELECT b.id FROM batch AS b WHERE b.ended_at < now() - make_interval(days => %(days)s)))
      AND NOT EXISTS (
          SELECT FROM callback AS k
          WHERE k.call_id = c.id AND k.deployment_id = c.deployment_id AND k.delivered_at IS NULL AND k.gave_up_at IS NULL
      )
    RETURNING c.id
), untraced AS (
    DELETE FROM call_trace AS t
    WHERE t.call_id = ANY (ARRAY(SELECT r.id FROM removed AS r))
), untold AS (
    DELETE FROM callback AS k
    WHERE k.call_id = ANY (ARRAY(SELECT r.id FROM removed AS r))
)
SELECT max(id) AS place, coalesce(min(queued_at) < now() - make_interval(days => %(days)s), false) AS goes_on,
       (SELECT count(*) FROM removed) AS removed
FROM batch
