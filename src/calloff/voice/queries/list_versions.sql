SELECT v.version, v.steps IS NOT NULL AS is_built, v.created_at, u.email AS created_by,
       coalesce((SELECT jsonb_agg(jsonb_build_object('id', d.id, 'name', d.name) ORDER BY d.id) FROM deployment AS d
                 WHERE d.message_version_id = v.id AND d.deleted_at IS NULL), '[]') AS published
FROM message AS m
JOIN message_version AS v ON v.message_id = m.id
LEFT JOIN account_user AS u ON u.id = v.user_id
WHERE m.application_id = %(application_id)s AND m.name = %(name)s
ORDER BY v.version DESC
