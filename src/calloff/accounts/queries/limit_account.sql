UPDATE account AS a
SET (max_concurrent_calls, calls_per_second) = (
    SELECT n.max_concurrent_calls, n.calls_per_second FROM jsonb_populate_record(a, %(changes)s) AS n
)
WHERE a.id = %(account_id)s
RETURNING id, name, max_concurrent_calls, calls_per_second, country, created_at, deactivated_at
