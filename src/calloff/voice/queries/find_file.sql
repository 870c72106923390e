SELECT content FROM message_file WHERE message_version_id = %(id)s AND name = %(name)s
