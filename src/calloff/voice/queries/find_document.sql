SELECT m.name, v.version, v.vxml
FROM message_version AS v JOIN message AS m ON m.id = v.message_id
WHERE v.id = %(id)s
