INSERT INTO idempotency_key (deployment_id, key, fingerprint, call_ids)
VALUES (%(deployment_id)s, %(key)s, %(fingerprint)s, ARRAY[%(call_id)s::bigint])
ON CONFLICT (deployment_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, call_ids = excluded.call_ids, rejected = '[]', created_at = now()
