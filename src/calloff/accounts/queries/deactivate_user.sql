UPDATE account_user SET deactivated_at = coalesce(deactivated_at, now())
WHERE id = %(user_id)s
RETURNING id, account_id, email, is_administrator, created_at, deactivated_at
