SELECT fingerprint = %(fingerprint)s AS is_same, call_ids[1] AS first_call_id
FROM idempotency_key
WHERE deployment_id = %(deployment_id)s AND key = %(key)s AND created_at > now() - interval '24 hours'
