SELECT pg_advisory_unlock(hashtext(%(key)s), hashint8(%(deployment_id)s)) AS value
