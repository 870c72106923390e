-- Held until the session ends or unlocks: whoever finds it taken meets a request that is still in progress.
-- Two keys: a lock of this kind never meets that of a queue, whatever key somebody chooses.
SELECT pg_try_advisory_lock(hashtext(%(key)s), hashint8(%(deployment_id)s)) AS value
