SELECT id, account_id, email, is_administrator, created_at, deactivated_at
FROM account_user
WHERE id = %(user_id)s OR lower(email) = lower(%(email)s)
