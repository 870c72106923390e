INSERT INTO idempotency_key (deployment_id, key, fingerprint, call_ids, rejected)
SELECT %(deployment_id)s, %(key)s, %(fingerprint)s,
       coalesce(array_agg(id ORDER BY line) FILTER (WHERE error IS NULL), '{}'),
       coalesce(jsonb_agg(jsonb_build_object('line', line, 'value', value, 'error', error) ORDER BY line)
                FILTER (WHERE error IS NOT NULL), '[]')
FROM upload
ON CONFLICT (deployment_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, call_ids = excluded.call_ids, rejected = excluded.rejected, created_at = now()
