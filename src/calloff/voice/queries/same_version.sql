SELECT version FROM message_version
WHERE message_id = %(message_id)s AND version = %(version)s AND sha256 = %(sha256)s
