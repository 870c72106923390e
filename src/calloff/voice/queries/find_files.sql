SELECT f.name, f.content FROM message_file AS f WHERE f.message_version_id = %(id)s ORDER BY f.name
