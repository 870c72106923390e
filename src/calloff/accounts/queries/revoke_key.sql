UPDATE developer_key SET revoked_at = coalesce(revoked_at, now())
WHERE id = %(key_id)s
RETURNING id, user_id, created_at, revoked_at, last_used_at
