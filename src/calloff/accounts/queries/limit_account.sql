UPDATE account
SET max_concurrent_calls = %(max_concurrent_calls)s, calls_per_second = %(calls_per_second)s
WHERE id = %(account_id)s
RETURNING id, name, max_concurrent_calls, calls_per_second, country, created_at, deactivated_at
