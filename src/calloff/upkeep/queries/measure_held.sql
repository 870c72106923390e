-- How long the oldest call has been dialing, and connected. (One probe of the index of held calls a queue.)
SELECT q.deployment_id, s.status, greatest(0, coalesce(extract(epoch FROM clock_timestamp() - held.since), 0))::double precision
       AS oldest_seconds
FROM queue AS q
CROSS JOIN unnest(ARRAY['dialing', 'connected']) AS s (status)
CROSS JOIN LATERAL (
    SELECT min(coalesce(c.connected_at, c.claimed_at)) AS since
    FROM call AS c
    WHERE c.deployment_id = q.deployment_id AND c.state IN ('claimed', 'dialing', 'connected') AND c.state = s.status
) AS held
ORDER BY q.deployment_id, s.status
