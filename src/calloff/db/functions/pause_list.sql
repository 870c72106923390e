-- Pauses a list or lets it go on, as `pause_queue` does for a deployment. Returns whether there is such a list.
CREATE OR REPLACE FUNCTION pause_list(p_deployment_id bigint, p_list_id bigint, p_paused boolean) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET jit = off SET lock_timeout = '6s' AS $$
DECLARE
    v_found boolean;
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock(queue_lock_key(p_deployment_id));
    UPDATE list SET paused_at = CASE WHEN p_paused THEN coalesce(paused_at, clock_timestamp()) END
    WHERE deployment_id = p_deployment_id AND id = p_list_id;
    v_found := FOUND;
    IF NOT p_paused THEN
        PERFORM pg_notify('calloff_due', '');
    END IF;
    RETURN v_found;
END $$;
