-- The applications that a user may see, each with its deployments and how many calls wait in each.
SELECT a.id, a.name, o.email AS owner_email, a.created_at,
       coalesce(jsonb_agg(jsonb_build_object(
           'id', d.id, 'name', d.name, 'trunk_kind', t.kind, 'is_paused', q.paused_at IS NOT NULL,
           'pending', coalesce(p.calls, 0)) ORDER BY d.id) FILTER (WHERE d.id IS NOT NULL), '[]') AS deployments
FROM application AS a
JOIN account_user AS o ON o.id = a.owner_user_id
LEFT JOIN permission AS s ON s.application_id = a.id AND s.user_id = %(user_id)s
LEFT JOIN deployment AS d ON d.application_id = a.id AND d.deleted_at IS NULL
LEFT JOIN trunk AS t ON t.id = d.trunk_id
LEFT JOIN queue AS q ON q.deployment_id = d.id
LEFT JOIN LATERAL (
    SELECT sum(n.calls)::bigint AS calls FROM call_count AS n
    WHERE n.deployment_id = d.id AND n.state = 'queued' AND called_off_by(n.deployment_id, n.epoch) IS NULL
) AS p ON true
WHERE a.account_id = %(account_id)s AND a.deleted_at IS NULL
  AND (%(is_administrator)s OR a.owner_user_id = %(user_id)s OR s.may_view OR s.may_queue OR s.may_cancel
       OR s.may_administer)
  AND (a.id = %(application_id)s OR %(application_id)s::bigint IS NULL)
GROUP BY a.id, o.email
ORDER BY a.id
