-- Newest first, out of four parts: held, queued and live, called off and not settled, and over. Where a part is in the
-- order of an index, it is asked for by a range of the index's own columns and in their order: with an equation, the
-- planner may walk the primary key instead, through every call of another state.
WITH held AS MATERIALIZED (
    SELECT c.id FROM call AS c
    WHERE c.deployment_id = %(deployment_id)s AND c.state IN ('claimed', 'dialing', 'connected') AND c.id < %(before)s
      AND CASE WHEN c.state <> 'claimed' THEN c.state WHEN called_off_by(c.deployment_id, c.epoch) IS NOT NULL THEN 'canceled' ELSE 'queued' END
          = ANY(%(statuses)s)
), page AS (
    (SELECT c.id FROM lane AS q CROSS JOIN LATERAL (
        SELECT c.id FROM call AS c
        WHERE c.deployment_id = %(deployment_id)s AND c.state = 'queued'
          AND c.epoch >= q.epoch AND (c.epoch, c.id) < (q.epoch, %(before)s) AND 'queued' = ANY(%(statuses)s)
        ORDER BY c.epoch DESC, c.id DESC LIMIT %(limit)s
     ) AS c
     WHERE q.deployment_id = %(deployment_id)s
     ORDER BY c.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT c.id FROM (
        SELECT n.epoch FROM (
            SELECT epoch FROM call_count
            WHERE deployment_id = %(deployment_id)s AND state = 'queued' AND 'canceled' = ANY(%(statuses)s)
            GROUP BY epoch HAVING sum(calls) > 0
        ) AS n
        WHERE called_off_by(%(deployment_id)s, n.epoch) IS NOT NULL
     ) AS e CROSS JOIN LATERAL (
        SELECT c.id FROM call AS c
        WHERE c.deployment_id = %(deployment_id)s AND c.state = 'queued'
          AND c.epoch >= e.epoch AND (c.epoch, c.id) < (e.epoch, %(before)s)
        ORDER BY c.epoch DESC, c.id DESC LIMIT %(limit)s
     ) AS c
     ORDER BY c.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT id FROM held ORDER BY id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT c.id FROM unnest(ARRAY['completed', 'failed', 'canceled']) AS s (state) CROSS JOIN LATERAL (
        SELECT c.id FROM call AS c
        WHERE c.deployment_id = %(deployment_id)s AND c.state IN ('completed', 'failed', 'canceled')
          AND c.state >= s.state AND (c.state, c.id) < (s.state, %(before)s)
        ORDER BY c.state DESC, c.id DESC LIMIT %(limit)s
     ) AS c
     WHERE s.state = ANY(%(statuses)s)
     ORDER BY c.id DESC LIMIT %(limit)s)
)
SELECT v.*
FROM page AS p
JOIN call_status AS v ON v.id = p.id AND v.deployment_id = %(deployment_id)s
ORDER BY v.id DESC
LIMIT %(limit)s
