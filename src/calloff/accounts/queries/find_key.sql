SELECT id, user_id, created_at, revoked_at, last_used_at FROM developer_key WHERE id = %(key_id)s
