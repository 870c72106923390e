UPDATE developer_key SET last_used_at = now() WHERE sha256 = %(sha256)s
