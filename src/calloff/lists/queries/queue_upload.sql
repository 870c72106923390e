WITH queued AS (
    INSERT INTO call (id, deployment_id, epoch, phone_number, ani, postd, start_at, due_at, end_at, max_attempts,
                      reattempt_wait, result_url, is_pci, variables, number, country, number_kind, zones)
    SELECT n.id, q.deployment_id, %(list_epoch)s, n.phone_number, n.ani, n.postd,
           greatest(now(), to_timestamp(%(start)s::double precision)),
           greatest(now(), to_timestamp(%(start)s::double precision)),
           to_timestamp(%(end)s::double precision),
           %(max_attempts)s, %(reattempt_wait)s, %(result_url)s, %(is_pci)s,
           nullif(coalesce(%(variables)s::jsonb, '{}') || coalesce(n.variables, '{}'), '{}'),
           n.number, n.country, n.number_kind, n.zones
    FROM commit_durably(), upload AS n
    JOIN queue AS q ON q.deployment_id = %(deployment_id)s
    JOIN deployment AS d ON d.id = q.deployment_id AND d.deleted_at IS NULL
    JOIN application AS a ON a.id = d.application_id AND a.deleted_at IS NULL
    WHERE n.error IS NULL
    RETURNING 1
)
SELECT count(*) AS value, pg_notify('calloff_due', '') FROM queued
