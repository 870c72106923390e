-- What the accounts do now, from the counters, with what they may do: one account, or all but one.
SELECT o.id, o.name, o.max_concurrent_calls, o.calls_per_second, o.deactivated_at,
       coalesce(c.under_way, 0)::bigint AS under_way, coalesce(c.pending, 0)::bigint AS pending,
       coalesce(e.ended, 0)::bigint AS ended, coalesce(d.dialing, 0)::bigint AS dialing,
       coalesce(d.paused, 0)::bigint AS paused
FROM account AS o
LEFT JOIN LATERAL (
    SELECT sum(n.calls) FILTER (WHERE n.state IN ('dialing', 'connected')) AS under_way,
           sum(n.calls) FILTER (WHERE n.state = 'queued' AND called_off_by(n.deployment_id, n.epoch) IS NULL) AS pending
    FROM application AS a
    JOIN deployment AS d ON d.application_id = a.id
    JOIN call_count AS n ON n.deployment_id = d.id
    WHERE a.account_id = o.id
) AS c ON true
LEFT JOIN LATERAL (
    SELECT sum(e.calls) AS ended
    FROM application AS a
    JOIN deployment AS d ON d.application_id = a.id
    JOIN ended_calls AS e ON e.deployment_id = d.id
    WHERE a.account_id = o.id
      AND e.minute_of_hour = extract(minute FROM (now() - interval '1 minute') AT TIME ZONE 'UTC')
      AND e.minute = date_trunc('minute', now(), 'UTC') - interval '1 minute'
) AS e ON true
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE q.paused_at IS NULL) AS dialing, count(q.paused_at) AS paused
    FROM application AS a
    JOIN deployment AS d ON d.application_id = a.id
    JOIN queue AS q ON q.deployment_id = d.id
    WHERE a.account_id = o.id AND a.deleted_at IS NULL AND d.deleted_at IS NULL
) AS d ON true
WHERE (o.id = %(account_id)s) <> %(others)s
ORDER BY o.id
