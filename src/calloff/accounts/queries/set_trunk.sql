UPDATE trunk AS t
SET (name, settings, max_concurrent_calls, calls_per_second) = (
    SELECT n.name, n.settings, n.max_concurrent_calls, n.calls_per_second
    FROM jsonb_populate_record(t, %(changes)s) AS n
)
WHERE t.id = %(trunk_id)s
RETURNING id, name, kind, settings, max_concurrent_calls, calls_per_second, created_at
