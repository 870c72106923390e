-- The point of no return. Of the claimed calls, starts those that may be dialed now, and gives back the others.
-- Returns {"started": [IDs], "refused": {ID: reason}}; a claim that is in neither is no longer the caller's.
CREATE OR REPLACE FUNCTION start_calls(p_deployment_id bigint, p_call_ids bigint[], p_tokens uuid[], p_dialogs jsonb[])
    RETURNS jsonb LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_sort = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_queue   queue;
    v_started bigint[] := '{}';
    v_refused jsonb := '{}';
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id));
    SELECT * INTO v_queue FROM queue WHERE deployment_id = p_deployment_id;
    IF v_queue.paused_at IS NULL THEN
        WITH started AS (
            UPDATE call AS c
            SET state = 'dialing', attempts = attempts + 1, dialog = claim.dialog,
                events = events || event('dialing', clock_timestamp())
            FROM unnest(p_call_ids, p_tokens, p_dialogs) AS claim (id, token, dialog)
            WHERE c.id = claim.id AND c.deployment_id = p_deployment_id AND c.token = claim.token
              -- Spelled so that no partial index seems to fit: the primary key is the only way that costs the same always.
              AND c.state IS NOT DISTINCT FROM 'claimed' AND c.epoch = v_queue.epoch
              AND (c.end_at IS NULL OR c.end_at > clock_timestamp())
            RETURNING c.id
        )
        SELECT coalesce(array_agg(id), '{}') INTO v_started FROM started;
    END IF;
    IF cardinality(v_started) < cardinality(p_call_ids) THEN
        -- Nobody claims these again before something has changed: the queue goes on, or they are over.
        WITH refused AS (
            UPDATE call AS c
            SET state = 'queued', token = NULL, dialer_id = NULL
            FROM unnest(p_call_ids, p_tokens) AS claim (id, token)
            WHERE c.id = claim.id AND c.deployment_id = p_deployment_id AND c.token = claim.token
              AND c.state IS NOT DISTINCT FROM 'claimed'
            RETURNING c.id, CASE WHEN c.epoch <> v_queue.epoch THEN 'canceled'
                                 WHEN v_queue.paused_at IS NOT NULL THEN 'paused'
                                 ELSE 'window_closed' END AS reason
        )
        SELECT coalesce(jsonb_object_agg(id, reason), '{}') INTO v_refused FROM refused;
    END IF;
    RETURN jsonb_build_object('started', v_started, 'refused', v_refused);
END $$;
