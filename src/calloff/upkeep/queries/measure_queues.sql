SELECT q.deployment_id, q.epoch AS cancellations,
       coalesce((SELECT greatest(0, sum(n.calls)) FROM call_count AS n
                 WHERE n.deployment_id = q.deployment_id AND n.epoch < q.epoch
                   AND n.state = 'queued'), 0)::bigint AS unsettled,
       greatest(0, coalesce(extract(epoch FROM clock_timestamp() - (
           SELECT c.due_at FROM call AS c
           WHERE c.deployment_id = q.deployment_id AND c.epoch = q.epoch AND c.state = 'queued'
           ORDER BY c.due_at, c.id
           LIMIT 1)), 0))::double precision AS oldest_due_seconds
FROM queue AS q
ORDER BY q.deployment_id
