UPDATE account_user SET is_administrator = %(is_administrator)s
WHERE id = %(user_id)s
RETURNING id, account_id, email, is_administrator, created_at, deactivated_at
