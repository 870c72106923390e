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
    JOIN trunk AS t ON t.id = d.trunk_id
    LEFT JOIN message_version AS v ON v.id = d.message_version_id
    WHERE q.deployment_id = %(deployment_id)s AND d.deleted_at IS NULL AND a.deleted_at IS NULL
      -- Whoever answers hears something, and all of it; `heard.sql` tells what is missing.
      AND (v.id IS NOT NULL OR t.kind = 'simulated')
      AND NOT EXISTS (
          SELECT FROM jsonb_each(v.reads) AS r
          WHERE r.value = 'null' AND NOT coalesce(%(variables)s::jsonb, '{}') ? r.key)
    RETURNING id, due_at
)
-- A call for later wakes nobody: the dialers know from the queue when it is due.
SELECT id, CASE WHEN due_at <= now() THEN pg_notify('calloff_due', '') END FROM queued
