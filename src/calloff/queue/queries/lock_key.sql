-- Held until the session ends or unlocks: whoever finds it taken meets a request that is still in progress.
SELECT pg_try_advisory_lock(hashtextextended(%(key)s, %(deployment_id)s)) AS value
