SELECT d.id AS deployment_id, x.epoch
FROM unnest(%(deployment_ids)s::bigint[]) AS d (id)
CROSS JOIN LATERAL (
    SELECT epoch FROM cancellation WHERE deployment_id = d.id AND hangs_up ORDER BY epoch DESC LIMIT 1
) AS x
