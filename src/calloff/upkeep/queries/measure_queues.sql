SELECT q.deployment_id, q.epoch AS cancellations,
       coalesce((SELECT greatest(0, sum(n.calls)) FROM call_count AS n
                 WHERE n.deployment_id = q.deployment_id AND n.state = 'queued'
                   AND called_off_by(n.deployment_id, n.epoch) IS NOT NULL), 0)::bigint AS unsettled,
       greatest(0, coalesce(extract(epoch FROM clock_timestamp() - (
           SELECT min(first.due_at)
           FROM lane AS l
           CROSS JOIN LATERAL (
               SELECT c.due_at FROM call AS c
               WHERE c.deployment_id = l.deployment_id AND c.epoch = l.epoch AND c.state = 'queued'
               ORDER BY c.due_at, c.id
               LIMIT 1
           ) AS first
           WHERE l.deployment_id = q.deployment_id)), 0))::double precision AS oldest_due_seconds
FROM queue AS q
ORDER BY q.deployment_id
