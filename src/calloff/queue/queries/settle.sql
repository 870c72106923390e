-- The end of an attempt: completed, queued for another attempt, or failed. The trigger on `call` writes the outbox row.
WITH outcome AS (
    SELECT c.id, c.deployment_id, o.result, o.sip_code, o.callee_type, o.collected, o.detail, t.ended_at,
        o.may_retry AND (o.result <> 'unknown' OR d.on_unknown = 'retry') AND c.attempts < c.max_attempts
            AND (c.end_at IS NULL OR c.end_at > t.ended_at + make_interval(secs => c.reattempt_wait)) AS goes_on
    FROM commit_durably(), call AS c
    JOIN unnest(%(call_ids)s::bigint[], %(tokens)s::uuid[], %(results)s::text[], %(sip_codes)s::int[],
                %(callee_types)s::text[], %(collected)s::jsonb[], %(may_retry)s::boolean[],
                %(ago)s::double precision[], %(details)s::jsonb[])
        AS o (id, token, result, sip_code, callee_type, collected, may_retry, ago, detail)
        ON o.id = c.id AND o.token = c.token
    JOIN deployment AS d ON d.id = c.deployment_id
    -- What was written down late may seem to have ended before it was connected.
    CROSS JOIN LATERAL (
        SELECT greatest(c.connected_at, clock_timestamp() - make_interval(secs => o.ago)) AS ended_at) AS t
    WHERE c.deployment_id = %(deployment_id)s
      AND c.state = ANY(CASE o.result WHEN 'answered' THEN ARRAY['connected'] WHEN 'unknown' THEN ARRAY['dialing', 'connected']
          ELSE ARRAY['dialing'] END)
    FOR UPDATE OF c
)
UPDATE call AS c
SET state = CASE WHEN o.result = 'answered' THEN 'completed' WHEN goes_on THEN 'queued' ELSE 'failed' END,
    result = CASE WHEN NOT goes_on THEN o.result END,
    connected_at = CASE WHEN NOT goes_on THEN c.connected_at END,
    sip_code = o.sip_code,
    callee_type = o.callee_type,
    collected = o.collected,
    ended_at = CASE WHEN NOT goes_on THEN o.ended_at END,
    due_at = CASE WHEN goes_on THEN o.ended_at + make_interval(secs => c.reattempt_wait) ELSE c.due_at END,
    token = NULL, dialer_id = NULL,
    events = events || event(CASE WHEN o.result = 'answered' THEN 'disconnected' ELSE 'failed' END, o.ended_at, o.detail)
FROM outcome AS o
WHERE c.id = o.id AND c.deployment_id = o.deployment_id
RETURNING c.id
