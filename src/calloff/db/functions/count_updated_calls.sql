CREATE OR REPLACE FUNCTION count_updated_calls() RETURNS trigger LANGUAGE plpgsql
    SET jit = off SET enable_seqscan = on SET enable_hashjoin = on SET enable_sort = on AS $$
DECLARE
    v_some_ended boolean;
BEGIN
    WITH counted AS (
        INSERT INTO call_count
        SELECT deployment_id, counted_epoch(epoch, ended_at), counted_state(state), coalesce(result, ''),
               pg_backend_pid() % 16, sum(n)
        FROM (SELECT deployment_id, epoch, state, ended_at, result, 1 AS n FROM after
              UNION ALL
              SELECT deployment_id, epoch, state, ended_at, result, -1 FROM before) AS change
        GROUP BY 1, 2, 3, 4
        HAVING sum(n) <> 0
        ORDER BY 1, 2, 3, 4
        ON CONFLICT (deployment_id, epoch, state, result, slot)
        DO UPDATE SET calls = call_count.calls + excluded.calls
        RETURNING state
    )
    SELECT bool_or(state IN ('completed', 'failed', 'canceled')) INTO v_some_ended FROM counted;
    IF NOT coalesce(v_some_ended, false) THEN
        RETURN NULL;
    END IF;

    INSERT INTO callback (call_id, deployment_id, host)
    SELECT id, deployment_id, coalesce(lower(substring(result_url FROM '^[^:]+://(?:[^/?#]*@)?([^/?#]*)')), '')
    FROM after WHERE ended_at IS NOT NULL AND result_url IS NOT NULL;

    INSERT INTO ended_calls AS e (deployment_id, minute_of_hour, result, slot, minute, calls)
    SELECT deployment_id, extract(minute FROM minute AT TIME ZONE 'UTC'), result, pg_backend_pid() % 16, minute, count(*)
    FROM (
        SELECT deployment_id, result, date_trunc('minute', ended_at, 'UTC') AS minute
        FROM after
        WHERE state IN ('completed', 'failed') AND ended_at > now() - interval '55 minutes'
    ) AS ended
    GROUP BY deployment_id, minute, result
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (deployment_id, minute_of_hour, result, slot) DO UPDATE
    SET calls = CASE WHEN e.minute = excluded.minute THEN e.calls ELSE 0 END + excluded.calls,
        minute = excluded.minute;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER call_updated AFTER UPDATE ON call REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION count_updated_calls();
