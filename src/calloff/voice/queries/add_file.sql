INSERT INTO message_file (message_version_id, name, content) VALUES (%(id)s, %(name)s, %(content)s)
