-- The queues in which a live call waits, with the seconds until the first of them is due (0 or less: now).
SELECT q.deployment_id, extract(epoch FROM min(next.due_at) - clock_timestamp())::double precision AS due_in
FROM lane AS q
JOIN deployment AS d ON d.id = q.deployment_id AND d.deleted_at IS NULL
-- Nobody is called to hear nothing (`claim_calls`).
JOIN trunk AS t ON t.id = d.trunk_id AND (t.kind = 'simulated' OR d.message_version_id IS NOT NULL)
JOIN application AS a ON a.id = d.application_id AND a.deleted_at IS NULL
JOIN account AS o ON o.id = a.account_id AND o.deactivated_at IS NULL
CROSS JOIN LATERAL (
    SELECT c.due_at
    FROM call AS c
    WHERE c.deployment_id = q.deployment_id AND c.epoch = q.epoch AND c.state = 'queued'
    ORDER BY c.due_at, c.id
    LIMIT 1
) AS next
WHERE q.paused_at IS NULL
GROUP BY q.deployment_id
ORDER BY q.deployment_id
