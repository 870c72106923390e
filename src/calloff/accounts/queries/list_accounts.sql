SELECT id, name, created_at, deactivated_at FROM account ORDER BY id
