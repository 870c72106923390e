UPDATE account SET deactivated_at = coalesce(deactivated_at, now())
WHERE id = %(account_id)s
RETURNING id, name, max_concurrent_calls, calls_per_second, country, created_at, deactivated_at
