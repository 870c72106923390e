-- Newest first, each branch in the order of an index: pending and live, called off and not settled, held, and over.
WITH page AS (
    (SELECT c.id FROM queue AS q, call AS c
     WHERE q.deployment_id = %(deployment_id)s AND c.deployment_id = q.deployment_id AND c.epoch = q.epoch
       AND c.state IN ('queued', 'claimed') AND c.id < %(before)s AND 'queued' = ANY(%(statuses)s)
     ORDER BY c.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT c.id FROM (
        SELECT DISTINCT n.deployment_id, n.epoch FROM call_count AS n JOIN queue AS q USING (deployment_id)
        WHERE n.deployment_id = %(deployment_id)s AND n.epoch < q.epoch AND n.state IN ('queued', 'claimed')
     ) AS e CROSS JOIN LATERAL (
        SELECT c.id FROM call AS c
        WHERE c.deployment_id = e.deployment_id AND c.epoch = e.epoch AND c.state IN ('queued', 'claimed')
          AND c.id < %(before)s AND 'canceled' = ANY(%(statuses)s)
        ORDER BY c.id DESC LIMIT %(limit)s
     ) AS c
     ORDER BY c.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT c.id FROM call AS c
     WHERE c.deployment_id = %(deployment_id)s AND c.state IN ('dialing', 'connected')
       AND c.state = ANY(%(statuses)s) AND c.id < %(before)s
     ORDER BY c.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT c.id FROM unnest(ARRAY['completed', 'failed', 'canceled']) AS s (state) CROSS JOIN LATERAL (
        SELECT c.id FROM call AS c
        WHERE c.deployment_id = %(deployment_id)s AND c.state = s.state
          AND c.state IN ('completed', 'failed', 'canceled') AND s.state = ANY(%(statuses)s) AND c.id < %(before)s
        ORDER BY c.id DESC LIMIT %(limit)s
     ) AS c
     ORDER BY c.id DESC LIMIT %(limit)s)
)
SELECT v.*
FROM page AS p
JOIN call_status AS v ON v.id = p.id AND v.deployment_id = %(deployment_id)s
ORDER BY v.id DESC
LIMIT %(limit)s
