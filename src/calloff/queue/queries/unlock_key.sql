SELECT pg_advisory_unlock(hashtextextended(%(key)s, %(deployment_id)s)) AS value
