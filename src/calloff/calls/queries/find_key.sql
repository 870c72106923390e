-- Written again as it is: the commit of the request that queued may not be replicated yet, and this one comes after it.
UPDATE idempotency_key AS k SET fingerprint = k.fingerprint
FROM commit_durably()
WHERE k.deployment_id = %(deployment_id)s AND k.key = %(key)s AND k.created_at > now() - interval '24 hours'
RETURNING k.fingerprint = %(fingerprint)s AS is_same, k.call_ids[1] AS first_call_id
