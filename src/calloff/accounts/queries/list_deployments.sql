SELECT d.id, d.application_id, d.trunk_id, d.name, d.caller_id, d.max_concurrent_calls, d.calls_per_second,
       d.ring_timeout, d.on_unknown, d.callback_format, d.created_at, d.deleted_at
FROM deployment AS d
JOIN application AS a ON a.id = d.application_id
WHERE (d.application_id = %(application_id)s OR %(application_id)s::bigint IS NULL)
  AND (a.account_id = %(account_id)s OR %(account_id)s::bigint IS NULL)
ORDER BY d.id
