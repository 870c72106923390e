-- Calls off the pending calls of a list, as `cancel_pending` does for a deployment. Returns the epoch of the cancellation
-- that did it, which is an earlier one if there was one.
CREATE OR REPLACE FUNCTION cancel_list(p_deployment_id bigint, p_list_id bigint, p_user_id bigint, p_origin text)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET jit = off SET lock_timeout = '6s' AS $$
DECLARE
    v_list list;
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock(queue_lock_key(p_deployment_id));
    -- Written in any case, so that the answer is flushed after what it tells of.
    UPDATE list SET paused_at = paused_at WHERE deployment_id = p_deployment_id AND id = p_list_id RETURNING * INTO v_list;
    INSERT INTO cancellation (deployment_id, epoch, canceled_at, user_id, origin)
    SELECT p_deployment_id, v_list.epoch + 1, clock_timestamp(), p_user_id, p_origin
    WHERE called_off_by(p_deployment_id, v_list.epoch) IS NULL AND v_list.id IS NOT NULL;
    RETURN called_off_by(p_deployment_id, v_list.epoch);
END $$;
