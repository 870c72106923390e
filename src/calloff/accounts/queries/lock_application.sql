SELECT id, account_id, owner_user_id, name, created_at, deleted_at
FROM application
WHERE id = %(application_id)s
FOR NO KEY UPDATE
