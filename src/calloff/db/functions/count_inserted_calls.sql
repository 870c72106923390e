-- All three take the rows in the order of the primary key, as fold_counts.sql does, so that none of them deadlock.
-- And all three undo what the functions of the queue set: a plan with a sort that is switched off looks so dear that
-- PostgreSQL 15 would compile it at each execution.
CREATE OR REPLACE FUNCTION count_inserted_calls() RETURNS trigger LANGUAGE plpgsql
    SET jit = off SET enable_seqscan = on SET enable_hashjoin = on SET enable_sort = on AS $$
BEGIN
    INSERT INTO call_count
    SELECT deployment_id, counted_epoch(epoch, ended_at), counted_state(state), coalesce(result, ''), 16 + pg_backend_pid() % 16, count(*)
    FROM inserted
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (deployment_id, epoch, state, result, slot)
    DO UPDATE SET calls = call_count.calls + excluded.calls;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER call_inserted AFTER INSERT ON call REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_calls();
