-- The point of no return. Returns the IDs of those of the claimed calls that may be dialed now: the others were
-- canceled, paused or rescued, or their window has closed.
CREATE OR REPLACE FUNCTION start_calls(p_deployment_id bigint, p_call_ids bigint[], p_tokens uuid[]) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_sort = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_queue   queue;
    v_started bigint[];
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id));
    SELECT * INTO v_queue FROM queue WHERE deployment_id = p_deployment_id;
    IF v_queue.paused_at IS NOT NULL THEN
        RETURN '{}';
    END IF;
    WITH started AS (
        UPDATE call AS c
        SET state = 'dialing', attempts = attempts + 1, events = events || event('dialing', clock_timestamp())
        FROM unnest(p_call_ids, p_tokens) AS claim (id, token)
        WHERE c.id = claim.id AND c.deployment_id = p_deployment_id AND c.token = claim.token
          -- Spelled so that no partial index seems to fit: the primary key is the only way that costs the same always.
          AND c.state IS NOT DISTINCT FROM 'claimed' AND c.epoch = v_queue.epoch
          AND (c.end_at IS NULL OR c.end_at > clock_timestamp())
        RETURNING c.id
    )
    SELECT coalesce(array_agg(id), '{}') INTO v_started FROM started;
    RETURN v_started;
END $$;
