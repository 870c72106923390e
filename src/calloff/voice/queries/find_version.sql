-- One version of a message; the newest if none is named.
SELECT v.id, m.name, v.version, m.versions, v.vxml, v.steps, v.reads, v.created_at, u.email AS created_by,
       coalesce((SELECT jsonb_object_agg(f.name, octet_length(f.content)) FROM message_file AS f
                 WHERE f.message_version_id = v.id), '{}') AS files,
       coalesce((SELECT jsonb_agg(d.id ORDER BY d.id) FROM deployment AS d
                 WHERE d.message_version_id = v.id AND d.deleted_at IS NULL), '[]') AS published_to
FROM message AS m
JOIN message_version AS v ON v.message_id = m.id AND v.version = coalesce(%(version)s, m.versions)
LEFT JOIN account_user AS u ON u.id = v.user_id
WHERE m.application_id = %(application_id)s AND m.name = %(name)s
