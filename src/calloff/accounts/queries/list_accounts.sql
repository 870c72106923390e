SELECT id, name, max_concurrent_calls, calls_per_second, country, created_at, deactivated_at FROM account ORDER BY id
