SELECT id, account_id, owner_user_id, name, created_at, deleted_at
FROM application
WHERE account_id = %(account_id)s OR %(account_id)s::bigint IS NULL
ORDER BY id
