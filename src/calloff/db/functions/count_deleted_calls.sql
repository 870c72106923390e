CREATE OR REPLACE FUNCTION count_deleted_calls() RETURNS trigger LANGUAGE plpgsql
    SET jit = off SET enable_seqscan = on SET enable_hashjoin = on SET enable_sort = on AS $$
BEGIN
    INSERT INTO call_count
    SELECT deployment_id, epoch, counted_state(state), coalesce(result, ''), pg_backend_pid() % 16, sum(n)
    FROM (SELECT deployment_id, CASE WHEN ended_at IS NULL THEN epoch ELSE -1 END AS epoch, state, result, -1 AS n FROM deleted
          UNION ALL
          SELECT deployment_id, -2, state, result, 1 FROM deleted WHERE ended_at IS NOT NULL) AS change
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (deployment_id, epoch, state, result, slot)
    DO UPDATE SET calls = call_count.calls + excluded.calls;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER call_deleted AFTER DELETE ON call REFERENCING OLD TABLE AS deleted
    FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_calls();
