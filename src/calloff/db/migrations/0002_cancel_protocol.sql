-- The cancel protocol: what has to be one call of a VOLATILE function, because it takes the queue's lock in one
-- statement and reads the epoch in the next. In one statement, the read would keep the snapshot from before the wait,
-- and a canceled call would be dialed. Each is called as `SELECT f(deployment_id, ...)` and returns one value.

CREATE FUNCTION queue_lock_key(p_deployment_id bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashint8extended(p_deployment_id, 5433);

CREATE FUNCTION event(p_name text, p_at timestamptz, p_detail jsonb DEFAULT '{}') RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object('event', p_name, 'timestamp', round(extract(epoch FROM p_at), 3)) || p_detail;

-- What every promise takes for granted of its transaction, whatever the server's defaults are: a commit that is not
-- waited for would make a 202 a guess, and one snapshot for the whole transaction would be older than the lock.
CREATE FUNCTION commit_durably() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'The queue needs transactions that are READ COMMITTED.' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END $$;

-- Calls off everything that is pending. Returns the new epoch, NULL if there is no such queue.
CREATE FUNCTION cancel_pending(p_deployment_id bigint, p_user_id bigint, p_origin text) RETURNS bigint
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_epoch bigint;
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock(queue_lock_key(p_deployment_id));
    UPDATE queue SET epoch = epoch + 1 WHERE deployment_id = p_deployment_id RETURNING epoch INTO v_epoch;
    IF v_epoch IS NOT NULL THEN
        INSERT INTO cancellation (deployment_id, epoch, canceled_at, user_id, origin)
        VALUES (p_deployment_id, v_epoch, clock_timestamp(), p_user_id, p_origin);
    END IF;
    RETURN v_epoch;
END $$;

-- Pauses or resumes; once a pause has returned, nothing starts. Returns whether there is such a queue.
CREATE FUNCTION pause_queue(p_deployment_id bigint, p_paused boolean) RETURNS boolean
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_found boolean;
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock(queue_lock_key(p_deployment_id));
    UPDATE queue SET paused_at = CASE WHEN p_paused THEN coalesce(paused_at, clock_timestamp()) END
    WHERE deployment_id = p_deployment_id;
    v_found := FOUND;
    IF NOT p_paused THEN
        PERFORM pg_notify('calloff_due', '');
    END IF;
    RETURN v_found;
END $$;

-- Calls off one pending call. Returns whether it was pending.
CREATE FUNCTION cancel_call(p_deployment_id bigint, p_call_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_epoch bigint;
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id));
    SELECT epoch INTO v_epoch FROM queue WHERE deployment_id = p_deployment_id;
    UPDATE call
    SET state = 'canceled', token = NULL, dialer_id = NULL, ended_at = clock_timestamp(),
        events = events || event('canceled', clock_timestamp())
    WHERE deployment_id = p_deployment_id AND id = p_call_id
      AND state IN ('queued', 'claimed') AND epoch = v_epoch;
    RETURN FOUND;
END $$;

-- Hands at most p_limit due calls to a dialer, as far as the limits of the deployment, its account and its trunk allow.
-- Returns {"calls": [...], "wait": seconds until it is worth asking again, null if nothing more is due}, and beside
-- the calls what all of them have in common: `delay` is the seconds that the pace leaves until the first may start, and
-- `interval` those from one to the next.
-- Not durable: a claim that a crash undoes has left its calls queued, and what starts by it is flushed after it.
CREATE FUNCTION claim_calls(p_deployment_id bigint, p_dialer_id bigint, p_limit integer, p_horizon double precision)
    RETURNS json LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_sort = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_queue      queue;
    v_deployment deployment;
    v_trunk      trunk;
    v_account    account;
    v_now        timestamptz;
    v_allowed    integer := p_limit;
    v_interval   double precision;
    v_next       timestamptz;
    v_token      uuid := gen_random_uuid();
    v_calls      json;
    v_claimed    integer;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id));
    -- A dialer whose lease is over claims nothing; the row lock makes rescue_calls wait for what is claimed here. (It
    -- never makes a claim wait: rescue_calls only takes the rows of those whose lease is over.)
    PERFORM FROM dialer WHERE id = p_dialer_id AND lease_until > clock_timestamp() FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN '{"calls": [], "wait": null}';
    END IF;

    -- Whoever has limits is claimed for by one dialer at a time; all claims lock in this order.
    SELECT * INTO v_deployment FROM deployment WHERE id = p_deployment_id;
    SELECT o.* INTO v_account
    FROM account AS o JOIN application AS a ON a.account_id = o.id
    WHERE a.id = v_deployment.application_id;
    IF v_account.max_concurrent_calls IS NOT NULL OR v_account.calls_per_second IS NOT NULL THEN
        SELECT * INTO v_account FROM account WHERE id = v_account.id FOR NO KEY UPDATE;
    END IF;
    SELECT * INTO v_trunk FROM trunk WHERE id = v_deployment.trunk_id;
    IF v_trunk.max_concurrent_calls IS NOT NULL OR v_trunk.calls_per_second IS NOT NULL THEN
        SELECT * INTO v_trunk FROM trunk WHERE id = v_deployment.trunk_id FOR NO KEY UPDATE;
    END IF;
    IF v_deployment.max_concurrent_calls IS NOT NULL OR v_deployment.calls_per_second IS NOT NULL THEN
        PERFORM FROM queue WHERE deployment_id = p_deployment_id FOR NO KEY UPDATE;
    END IF;
    SELECT * INTO v_queue FROM queue WHERE deployment_id = p_deployment_id;
    IF v_queue.paused_at IS NOT NULL OR v_deployment.deleted_at IS NOT NULL THEN
        RETURN '{"calls": [], "wait": null}';
    END IF;

    IF v_deployment.max_concurrent_calls IS NOT NULL THEN
        v_allowed := least(v_allowed, v_deployment.max_concurrent_calls - (
            SELECT count(*) FROM call
            WHERE deployment_id = p_deployment_id AND state IN ('claimed', 'dialing', 'connected')));
    END IF;
    IF v_trunk.max_concurrent_calls IS NOT NULL THEN
        v_allowed := least(v_allowed, v_trunk.max_concurrent_calls - (
            SELECT count(*) FROM call
            WHERE deployment_id IN (SELECT id FROM deployment WHERE trunk_id = v_trunk.id)
              AND state IN ('claimed', 'dialing', 'connected')));
    END IF;

    IF v_account.max_concurrent_calls IS NOT NULL THEN
        v_allowed := least(v_allowed, v_account.max_concurrent_calls - (
            SELECT count(*) FROM call
            WHERE deployment_id IN (SELECT d.id FROM deployment AS d JOIN application AS a ON a.id = d.application_id
                                    WHERE a.account_id = v_account.id)
              AND state IN ('claimed', 'dialing', 'connected')));
    END IF;

    -- Even pace: each call takes the next slot of 1/calls_per_second, and none is claimed beyond the horizon. Where
    -- several paces apply, one call at a time keeps all of them exactly.
    v_now := clock_timestamp();
    v_interval := 1 / least(v_deployment.calls_per_second, v_trunk.calls_per_second, v_account.calls_per_second);
    IF v_interval IS NOT NULL THEN
        v_next := greatest(v_now, v_queue.next_start_at, v_trunk.next_start_at, v_account.next_start_at);
        v_allowed := least(v_allowed, CASE
            WHEN v_next > v_now + make_interval(secs => p_horizon) THEN 0
            WHEN num_nonnulls(
                v_deployment.calls_per_second, v_trunk.calls_per_second, v_account.calls_per_second) > 1 THEN 1
            ELSE least(p_limit, floor((extract(epoch FROM v_now - v_next) + p_horizon) / v_interval) + 1)
        END);
    END IF;
    IF v_allowed <= 0 THEN
        RETURN json_build_object('calls', '[]'::json, 'wait', greatest(
            0.05, coalesce(extract(epoch FROM v_next - v_now) - p_horizon, 0)));
    END IF;

    WITH due AS (
        SELECT id FROM call
        WHERE deployment_id = p_deployment_id AND epoch = v_queue.epoch AND state = 'queued'
          AND due_at <= v_now AND (end_at IS NULL OR end_at > v_now)
        ORDER BY due_at, id
        LIMIT v_allowed
        FOR UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE call AS c
        SET state = 'claimed', token = v_token, dialer_id = p_dialer_id, claimed_at = v_now
        FROM due
        WHERE c.id = due.id AND c.deployment_id = p_deployment_id
        RETURNING c.*
    )
    SELECT
        count(*),
        json_agg(json_build_object(
            'id', id, 'phone_number', phone_number, 'caller_id', coalesce(ani, v_deployment.caller_id), 'postd', postd,
            'is_pci', is_pci, 'variables', variables, 'attempt', attempts + 1) ORDER BY due_at, id)
    INTO v_claimed, v_calls
    FROM claimed;

    IF v_claimed > 0 AND v_deployment.calls_per_second IS NOT NULL THEN
        UPDATE queue SET next_start_at = v_next + make_interval(secs => v_claimed / v_deployment.calls_per_second)
        WHERE deployment_id = p_deployment_id;
    END IF;
    IF v_claimed > 0 AND v_trunk.calls_per_second IS NOT NULL THEN
        UPDATE trunk SET next_start_at = v_next + make_interval(secs => v_claimed / v_trunk.calls_per_second)
        WHERE id = v_trunk.id;
    END IF;
    IF v_claimed > 0 AND v_account.calls_per_second IS NOT NULL THEN
        UPDATE account SET next_start_at = v_next + make_interval(secs => v_claimed / v_account.calls_per_second)
        WHERE id = v_account.id;
    END IF;
    RETURN json_build_object(
        'token', v_token, 'trunk_id', v_trunk.id, 'ring_timeout', v_deployment.ring_timeout,
        'document_version', v_deployment.document_version, 'calls', coalesce(v_calls, '[]'::json),
        'delay', coalesce(extract(epoch FROM v_next - v_now), 0), 'interval', coalesce(v_interval, 0),
        'wait', CASE WHEN v_claimed = v_allowed AND v_allowed < p_limit THEN greatest(
            0.005, coalesce(extract(epoch FROM v_next - v_now) + v_claimed * v_interval - p_horizon, 0.05)) END);
END $$;

-- The point of no return. Returns the IDs of those of the claimed calls that may be dialed now: the others were
-- canceled, paused or rescued, or their window has closed.
CREATE FUNCTION start_calls(p_deployment_id bigint, p_call_ids bigint[], p_tokens uuid[]) RETURNS bigint[]
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

-- Ends at most p_limit live calls whose window has closed. Returns how many.
CREATE FUNCTION expire_calls(p_deployment_id bigint, p_limit integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_sort = off AS $$
DECLARE
    -- Not read in the query: a volatile function is no bound for an index scan.
    v_now     timestamptz := clock_timestamp();
    v_epoch   bigint;
    v_expired integer;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id));
    SELECT epoch INTO v_epoch FROM queue WHERE deployment_id = p_deployment_id;
    WITH closed AS (
        SELECT id FROM call
        WHERE deployment_id = p_deployment_id AND epoch = v_epoch AND state = 'queued'
          AND end_at <= v_now
        ORDER BY end_at
        LIMIT p_limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE call AS c
    SET state = 'failed', result = 'expired', ended_at = v_now,
        events = events || event('expired', c.end_at)
    FROM closed
    WHERE c.id = closed.id AND c.deployment_id = p_deployment_id;
    GET DIAGNOSTICS v_expired = ROW_COUNT;
    RETURN v_expired;
END $$;

-- Forgets the dialers whose lease is over, and takes back what they held: what was only claimed is queued again
-- without using up an attempt; what was dialing or connected has an unknown result. Also takes back what a dialer that
-- is well claimed p_patience seconds ago and never started: it has not heard of it, because the answer to its claim
-- was lost. Returns how many calls it took.
CREATE FUNCTION rescue_calls(p_patience double precision) RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_sort = off AS $$
DECLARE
    v_now     timestamptz := clock_timestamp();
    v_gone    bigint[];
    v_rescued integer;
BEGIN
    DELETE FROM dialer WHERE lease_until < v_now;
    -- In a statement of its own, so that it sees what a claim did that the deletion waited for.
    SELECT array_agg(DISTINCT c.dialer_id) INTO v_gone
    FROM call AS c
    WHERE c.state IN ('claimed', 'dialing', 'connected')
      AND NOT EXISTS (SELECT FROM dialer WHERE dialer.id = c.dialer_id);
    -- Conditions on the call alone, because only those are checked again when it changed before it could be locked: by
    -- then it may be in the hands of another dialer.
    WITH lost AS (
        SELECT c.id, c.deployment_id,
            c.state <> 'claimed' AS was_started,
            c.state = 'claimed' OR (
                d.on_unknown = 'retry' AND c.attempts < c.max_attempts
                AND (c.end_at IS NULL OR c.end_at > v_now + make_interval(secs => c.reattempt_wait))) AS goes_on
        FROM call AS c
        JOIN deployment AS d ON d.id = c.deployment_id
        WHERE c.state IN ('claimed', 'dialing', 'connected')
          AND (c.dialer_id = ANY(v_gone)
               OR (c.state = 'claimed' AND c.claimed_at < v_now - make_interval(secs => p_patience)))
        FOR UPDATE OF c SKIP LOCKED
    )
    UPDATE call AS c
    SET state = CASE WHEN goes_on THEN 'queued' ELSE 'failed' END,
        result = CASE WHEN NOT goes_on THEN 'unknown' END,
        ended_at = CASE WHEN NOT goes_on THEN v_now END,
        connected_at = CASE WHEN NOT goes_on THEN c.connected_at END,
        due_at = CASE WHEN was_started AND goes_on THEN v_now + make_interval(secs => c.reattempt_wait) ELSE c.due_at END,
        token = NULL, dialer_id = NULL,
        events = CASE WHEN was_started THEN events || event('failed', v_now, '{"result": "unknown"}') ELSE events END
    FROM lost
    WHERE c.id = lost.id AND c.deployment_id = lost.deployment_id;
    GET DIAGNOSTICS v_rescued = ROW_COUNT;
    IF v_rescued > 0 THEN
        PERFORM pg_notify('calloff_due', '');
    END IF;
    RETURN v_rescued;
END $$;

-- Deletes a deployment, and with it calls off what is pending there. Returns whether there was one to delete.
CREATE FUNCTION delete_deployment(p_deployment_id bigint, p_user_id bigint, p_origin text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM cancel_pending(p_deployment_id, p_user_id, p_origin);
    UPDATE deployment SET deleted_at = clock_timestamp() WHERE id = p_deployment_id AND deleted_at IS NULL;
    RETURN FOUND;
END $$;
