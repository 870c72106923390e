-- Ends at most p_limit live calls whose window has closed. Returns how many.
CREATE OR REPLACE FUNCTION expire_calls(p_deployment_id bigint, p_limit integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_sort = off SET jit = off AS $$
DECLARE
    -- Not read in the query: a volatile function is no bound for an index scan.
    v_now     timestamptz := clock_timestamp();
    v_epoch   bigint;
    v_rows    integer;
    v_expired integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id));
    FOR v_epoch IN SELECT epoch FROM lane WHERE deployment_id = p_deployment_id LOOP
        WITH closed AS (
            SELECT id FROM call
            WHERE deployment_id = p_deployment_id AND epoch = v_epoch AND state = 'queued'
              AND end_at <= v_now
            ORDER BY end_at
            LIMIT p_limit - v_expired
            FOR UPDATE SKIP LOCKED
        )
        UPDATE call AS c
        SET state = 'failed', result = 'expired', ended_at = v_now,
            events = events || event('expired', c.end_at)
        FROM closed
        WHERE c.id = closed.id AND c.deployment_id = p_deployment_id;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_expired := v_expired + v_rows;
        EXIT WHEN v_expired = p_limit;
    END LOOP;
    RETURN v_expired;
END $$;
