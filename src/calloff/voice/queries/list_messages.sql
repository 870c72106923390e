-- Each message by its newest version, with every deployment that any version of it is published to.
SELECT m.name, m.versions AS version, v.steps IS NOT NULL AS is_built, v.created_at, u.email AS created_by,
       coalesce((SELECT jsonb_agg(jsonb_build_object('id', d.id, 'name', d.name, 'version', p.version) ORDER BY d.id)
                 FROM deployment AS d JOIN message_version AS p ON p.id = d.message_version_id
                 WHERE p.message_id = m.id AND d.deleted_at IS NULL), '[]') AS published
FROM message AS m
JOIN message_version AS v ON v.message_id = m.id AND v.version = m.versions
LEFT JOIN account_user AS u ON u.id = v.user_id
WHERE m.application_id = %(application_id)s
ORDER BY m.name
