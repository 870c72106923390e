UPDATE application SET name = %(name)s WHERE id = %(application_id)s AND deleted_at IS NULL
RETURNING id, account_id, owner_user_id, name, created_at, deleted_at
