-- Calls off everything that is pending, and with p_hangs_up tells the dialers to end what is dialing or connected.
-- Returns the new epoch, NULL if there is no such queue.
--
-- The cancel protocol, which holds for `claim_calls`, `start_calls`, `expire_calls`, `cancel_call`, `cancel_list`,
-- `pause_queue` and `pause_list` as well: each is one call of a VOLATILE function, because it takes the queue's lock in one
-- statement and reads the epoch in the next. In one statement, the read would keep the snapshot from before the wait, and a
-- canceled call would be dialed. Each is called as `SELECT f(deployment_id, ...)` and returns one value.
CREATE OR REPLACE FUNCTION cancel_pending(p_deployment_id bigint, p_user_id bigint, p_origin text, p_hangs_up boolean DEFAULT false)
    RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET jit = off SET lock_timeout = '6s' AS $$
DECLARE
    v_epoch bigint;
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock(queue_lock_key(p_deployment_id));
    UPDATE queue SET epoch = epoch + 1 WHERE deployment_id = p_deployment_id RETURNING epoch INTO v_epoch;
    IF v_epoch IS NOT NULL THEN
        INSERT INTO cancellation (deployment_id, epoch, canceled_at, user_id, origin, hangs_up)
        VALUES (p_deployment_id, v_epoch, clock_timestamp(), p_user_id, p_origin, p_hangs_up);
        IF p_hangs_up THEN
            PERFORM pg_notify('calloff_hang_up', p_deployment_id || ' ' || v_epoch);
        END IF;
    END IF;
    RETURN v_epoch;
END $$;
