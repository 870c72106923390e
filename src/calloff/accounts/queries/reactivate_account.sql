UPDATE account SET deactivated_at = NULL
WHERE id = %(account_id)s
RETURNING id, name, max_concurrent_calls, calls_per_second, country, created_at, deactivated_at
