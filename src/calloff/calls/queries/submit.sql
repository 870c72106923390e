WITH queued AS (
    INSERT INTO call (deployment_id, epoch, phone_number, ani, postd, start_at, due_at, end_at, max_attempts,
                      reattempt_wait, result_url, is_pci, variables, number, country, number_kind, zones)
    SELECT q.deployment_id, q.epoch, %(phone_number)s, %(ani)s, %(postd)s,
           greatest(now(), to_timestamp(%(start)s::double precision)),
           greatest(now(), to_timestamp(%(start)s::double precision)),
           to_timestamp(%(end)s::double precision),
           %(max_attempts)s, %(reattempt_wait)s, %(result_url)s, %(is_pci)s, %(variables)s,
           %(number)s, %(country)s, %(kind)s, %(zones)s
    FROM commit_durably(), queue AS q
    JOIN deployment AS d ON d.id = q.deployment_id
    JOIN application AS a ON a.id = d.application_id
    WHERE q.deployment_id = %(deployment_id)s AND d.deleted_at IS NULL AND a.deleted_at IS NULL
    RETURNING id, due_at
)
-- A call for later wakes nobody: the dialers know from the queue when it is due.
SELECT id, CASE WHEN due_at <= now() THEN pg_notify('calloff_due', '') END FROM queued
