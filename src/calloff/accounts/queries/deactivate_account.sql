UPDATE account SET deactivated_at = coalesce(deactivated_at, now())
WHERE id = %(account_id)s
RETURNING id, name, created_at, deactivated_at
