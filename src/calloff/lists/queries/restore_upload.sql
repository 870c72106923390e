INSERT INTO upload (line, id, value, error)
SELECT 0, c.id, NULL, NULL
FROM idempotency_key AS k, unnest(k.call_ids) WITH ORDINALITY AS c (id, place)
WHERE k.deployment_id = %(deployment_id)s AND k.key = %(key)s
UNION ALL
SELECT (r.rejected ->> 'line')::bigint, NULL, r.rejected ->> 'value', r.rejected ->> 'error'
FROM idempotency_key AS k, jsonb_array_elements(k.rejected) AS r (rejected)
WHERE k.deployment_id = %(deployment_id)s AND k.key = %(key)s
