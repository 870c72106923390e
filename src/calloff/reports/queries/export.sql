SELECT id AS call_id, deployment_id, phone_number, status, result, sip_code, callee_type, attempts, max_attempts, queued_at,
       start_at, end_at, connected_at, coalesce(called_off_at, ended_at) AS ended_at, is_pci, variables, collected
FROM call_status
WHERE id > %(after)s
  AND (%(deployment_id)s::bigint IS NULL OR deployment_id = %(deployment_id)s)
  AND (%(since)s::timestamptz IS NULL OR queued_at >= %(since)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
ORDER BY id
LIMIT %(limit)s
