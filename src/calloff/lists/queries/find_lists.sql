-- Lists as their readers see them: one, or those of an account that a user may view, newest first.
SELECT l.id AS list_id, d.application_id, l.deployment_id, l.name, l.queued_at, u.email AS queued_by, l.origin, l.sha256,
       l.columns, l.accepted, l.rejected, l.ended_at,
       CASE WHEN x.epoch IS NOT NULL THEN 'canceled' WHEN l.ended_at IS NOT NULL THEN 'done'
            WHEN coalesce(l.paused_at, q.paused_at) IS NOT NULL THEN 'paused' ELSE 'running' END AS state,
       coalesce(l.results, counted.calls, '{}') AS calls,
       x.epoch = l.epoch + 1 AS is_own, x.canceled_at, x.origin AS canceled_from, w.email AS canceled_by
FROM list AS l
JOIN queue AS q ON q.deployment_id = l.deployment_id
JOIN deployment AS d ON d.id = l.deployment_id
JOIN application AS a ON a.id = d.application_id
LEFT JOIN account_user AS u ON u.id = l.user_id
-- What came when the list was over called nothing of it off.
LEFT JOIN cancellation AS x ON x.deployment_id = l.deployment_id AND x.epoch = called_off_by(l.deployment_id, l.epoch)
    AND x.canceled_at <= coalesce(l.ended_at, 'infinity')
LEFT JOIN account_user AS w ON w.id = x.user_id
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(k.kind, k.calls) AS calls
    FROM (
        SELECT CASE WHEN n.state IN ('completed', 'failed') THEN n.result
                    WHEN n.state = 'queued' AND x.epoch IS NOT NULL THEN 'canceled' ELSE n.state END AS kind,
               sum(n.calls) AS calls
        FROM call_count AS n
        WHERE l.ended_at IS NULL AND n.deployment_id = l.deployment_id AND n.epoch = l.epoch
        GROUP BY 1 HAVING sum(n.calls) > 0
    ) AS k
) AS counted ON true
WHERE l.id < %(before)s AND (l.id = %(list_id)s OR %(list_id)s::bigint IS NULL)
  AND (l.deployment_id = %(deployment_id)s OR %(deployment_id)s::bigint IS NULL)
  AND (a.account_id = %(account_id)s OR %(account_id)s::bigint IS NULL)
  AND (%(account_id)s::bigint IS NULL OR d.deleted_at IS NULL AND a.deleted_at IS NULL
       AND (%(is_administrator)s OR a.owner_user_id = %(user_id)s
            OR EXISTS (SELECT FROM permission AS s
                       WHERE s.application_id = a.id AND s.user_id = %(user_id)s AND s.may_view)))
ORDER BY l.id DESC
LIMIT %(limit)s
