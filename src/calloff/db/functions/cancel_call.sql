-- Calls off one pending call. Returns whether it was pending.
CREATE OR REPLACE FUNCTION cancel_call(p_deployment_id bigint, p_call_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET jit = off SET lock_timeout = '6s' AS $$
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id));
    UPDATE call
    SET state = 'canceled', token = NULL, dialer_id = NULL, ended_at = clock_timestamp(),
        events = events || event('canceled', clock_timestamp())
    WHERE deployment_id = p_deployment_id AND id = p_call_id
      AND state IN ('queued', 'claimed') AND called_off_by(p_deployment_id, epoch) IS NULL;
    RETURN FOUND;
END $$;
