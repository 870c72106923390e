SELECT id, name, max_concurrent_calls, calls_per_second, country, created_at, deactivated_at FROM account WHERE id = %(account_id)s
