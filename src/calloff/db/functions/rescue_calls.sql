-- Forgets the dialers whose lease is over, and takes back what they held: what was only claimed is queued again
-- without using up an attempt; what was dialing or connected has an unknown result. Also takes back what a dialer that
-- is well claimed p_patience seconds ago and never started: it has not heard of it, because the answer to its claim
-- was lost. Returns {"rescued": how many calls it took, "abandoned": [what is left on the wire]}.
CREATE OR REPLACE FUNCTION rescue_calls(p_patience double precision) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_sort = off SET jit = off AS $$
DECLARE
    v_now     timestamptz := clock_timestamp();
    v_gone    bigint[];
    v_rescued jsonb;
BEGIN
    DELETE FROM dialer WHERE lease_until < v_now;
    -- In a statement of its own, so that it sees what a claim did that the deletion waited for.
    SELECT array_agg(DISTINCT c.dialer_id) INTO v_gone
    FROM call AS c
    WHERE c.state IN ('claimed', 'dialing', 'connected')
      AND NOT EXISTS (SELECT FROM dialer WHERE dialer.id = c.dialer_id);
    -- Conditions on the call alone, because only those are checked again when it changed before it could be locked: by
    -- then it may be in the hands of another dialer.
    WITH lost AS (
        SELECT c.id, c.deployment_id, c.dialog, c.state, coalesce(c.ani, d.caller_id) AS caller_id,
            c.state <> 'claimed' AS was_started,
            c.state = 'claimed' OR is_tried_again(c, 'unknown', true, d.on_unknown, v_now) AS goes_on
        FROM call AS c
        JOIN deployment AS d ON d.id = c.deployment_id
        WHERE c.state IN ('claimed', 'dialing', 'connected')
          AND (c.dialer_id = ANY(v_gone)
               OR (c.state = 'claimed' AND c.claimed_at < v_now - make_interval(secs => p_patience)))
        FOR UPDATE OF c SKIP LOCKED
    ), rescued AS (
        UPDATE call AS c
        SET state = CASE WHEN goes_on THEN 'queued' ELSE 'failed' END,
            result = CASE WHEN NOT goes_on THEN 'unknown' END,
            ended_at = CASE WHEN NOT goes_on THEN v_now END,
            connected_at = CASE WHEN NOT goes_on THEN c.connected_at END,
            due_at = CASE WHEN was_started AND goes_on THEN v_now + make_interval(secs => c.reattempt_wait) ELSE c.due_at END,
            token = NULL, dialer_id = NULL, dialog = NULL,
            events = CASE WHEN was_started THEN events || event('failed', v_now, '{"result": "unknown"}') ELSE events END
        FROM lost
        WHERE c.id = lost.id AND c.deployment_id = lost.deployment_id
        RETURNING c.id, c.phone_number, lost.caller_id, lost.state, lost.dialog
    )
    SELECT jsonb_build_object(
        'rescued', count(*),
        'abandoned', coalesce(jsonb_agg(jsonb_build_object(
            'call_id', id, 'number', phone_number, 'caller_id', caller_id, 'is_connected', state = 'connected',
            'dialog', dialog)) FILTER (WHERE dialog IS NOT NULL), '[]'))
    INTO v_rescued FROM rescued;
    IF v_rescued -> 'rescued' <> '0' THEN
        PERFORM pg_notify('calloff_due', '');
    END IF;
    RETURN v_rescued;
END $$;
