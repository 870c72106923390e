UPDATE deployment AS d
SET (name, trunk_id, caller_id, max_concurrent_calls, calls_per_second, ring_timeout, on_unknown, callback_format) = (
    SELECT n.name, n.trunk_id, n.caller_id, n.max_concurrent_calls, n.calls_per_second, n.ring_timeout, n.on_unknown,
           n.callback_format
    FROM jsonb_populate_record(d, %(changes)s) AS n
)
WHERE d.id = %(deployment_id)s AND d.deleted_at IS NULL
RETURNING id, application_id, trunk_id, name, caller_id, max_concurrent_calls, calls_per_second, ring_timeout,
          on_unknown, callback_format, created_at, deleted_at
