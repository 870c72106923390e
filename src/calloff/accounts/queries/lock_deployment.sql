SELECT id, application_id, trunk_id, name, caller_id, max_concurrent_calls, calls_per_second, ring_timeout, on_unknown,
       callback_format, created_at, deleted_at
FROM deployment
WHERE id = %(deployment_id)s
FOR NO KEY UPDATE
