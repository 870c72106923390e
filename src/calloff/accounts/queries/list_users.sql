SELECT id, account_id, email, is_administrator, created_at, deactivated_at
FROM account_user
WHERE account_id = %(account_id)s OR %(account_id)s::bigint IS NULL
ORDER BY id
