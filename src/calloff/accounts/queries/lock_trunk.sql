SELECT id, name, kind, settings, max_concurrent_calls, calls_per_second, created_at
FROM trunk
WHERE id = %(trunk_id)s
FOR NO KEY UPDATE
