-- What a call of the deployment would hear: whether nothing at all, and of which variables there is no default.
SELECT d.message_version_id IS NULL AND t.kind <> 'simulated' AS is_silent,
       ARRAY(SELECT r.key FROM jsonb_each(v.reads) AS r WHERE r.value = 'null' ORDER BY r.key) AS needed
FROM deployment AS d
JOIN trunk AS t ON t.id = d.trunk_id
LEFT JOIN message_version AS v ON v.id = d.message_version_id
WHERE d.id = %(deployment_id)s
