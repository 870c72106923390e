-- The end of an attempt: completed, queued for another attempt, or failed. The trigger on `call` writes the outbox row.
UPDATE call AS c
SET (state, result, connected_at, ended_at, due_at, events) = (
        SELECT
            CASE WHEN o.result = 'answered' THEN 'completed' WHEN goes_on THEN 'queued' ELSE 'failed' END,
            CASE WHEN NOT goes_on THEN o.result END,
            CASE WHEN NOT goes_on THEN c.connected_at END,
            CASE WHEN NOT goes_on THEN t.ended_at END,
            CASE WHEN goes_on THEN t.ended_at + make_interval(secs => coalesce(c.reattempt_wait, 0)) ELSE c.due_at END,
            c.events || event(CASE WHEN o.result = 'answered' THEN 'disconnected' ELSE 'failed' END, t.ended_at, o.detail)
        FROM (SELECT greatest(c.connected_at, clock_timestamp() - make_interval(secs => o.ago)) AS ended_at) AS t
        CROSS JOIN LATERAL (
            -- What a cancel has hung up while it rang waits again, and is canceled by the same epoch as what had waited.
            SELECT is_tried_again(c, o.result, o.may_retry, d.on_unknown, t.ended_at)
                OR (o.called_off AND c.state = 'dialing' AND called_off_by(c.deployment_id, c.epoch) IS NOT NULL)
                AS goes_on) AS g
    ),
    sip_code = o.sip_code, callee_type = o.callee_type, collected = o.collected, token = NULL, dialer_id = NULL,
    dialog = NULL
FROM commit_durably(),
    json_to_recordset(%(moves)s) AS o (
        id bigint, token uuid, result text, sip_code int, callee_type text, collected jsonb, may_retry boolean,
        called_off boolean, ago double precision, detail jsonb),
    deployment AS d
WHERE c.deployment_id = %(deployment_id)s AND d.id = %(deployment_id)s AND c.id = o.id AND c.token = o.token
  AND c.state = ANY(CASE o.result WHEN 'answered' THEN ARRAY['connected'] WHEN 'unknown' THEN ARRAY['dialing', 'connected']
      ELSE ARRAY['dialing'] END)
RETURNING c.id
