-- What a user may do with a deployment; all of it for the operator's command line, which names no user; no row if it is
-- another account's, or does not exist.
SELECT a.account_id, d.application_id,
       d.deleted_at IS NOT NULL OR a.deleted_at IS NOT NULL AS is_deleted, o.country,
       %(has_all)s OR a.owner_user_id = %(user_id)s AS has_all,
       coalesce(p.may_view, false) AS may_view,
       coalesce(p.may_queue, false) AS may_queue,
       coalesce(p.may_cancel, false) AS may_cancel,
       coalesce(p.may_administer, false) AS may_administer
FROM deployment AS d
JOIN application AS a ON a.id = d.application_id
JOIN account AS o ON o.id = a.account_id
LEFT JOIN permission AS p ON p.application_id = a.id AND p.user_id = %(user_id)s
WHERE d.id = %(deployment_id)s AND (a.account_id = %(account_id)s OR %(account_id)s::bigint IS NULL)
