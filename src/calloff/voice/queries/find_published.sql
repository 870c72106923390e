-- What is published to a deployment, with nothing in the columns of a version if nothing is.
SELECT m.name, v.version, v.reads
FROM deployment AS d
LEFT JOIN message_version AS v ON v.id = d.message_version_id
LEFT JOIN message AS m ON m.id = v.message_id
WHERE d.id = %(deployment_id)s
