INSERT INTO trunk (name, kind) VALUES (%(name)s, %(kind)s)
RETURNING id, name, kind, settings, max_concurrent_calls, calls_per_second, created_at
