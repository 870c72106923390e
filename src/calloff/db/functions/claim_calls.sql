-- Hands at most p_limit due calls to a dialer, as far as the limits of the deployment, its account and its trunk allow.
-- Returns {"calls": [...], "wait": seconds until it is worth asking again, null if nothing more is due}, and beside
-- the calls what all of them have in common: `delay` is the seconds that the pace leaves until the first may start, and
-- `interval` those from one to the next.
-- Not durable: a claim that a crash undoes has left its calls queued, and what starts by it is flushed after it.
CREATE OR REPLACE FUNCTION claim_calls(p_deployment_id bigint, p_dialer_id bigint, p_limit integer, p_horizon double precision)
    RETURNS json LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_sort = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
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
    v_epoch      bigint;
    v_calls      jsonb := '[]';
    v_claimed    integer := 0;
    v_taken      jsonb;
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
    IF v_queue.paused_at IS NOT NULL OR v_deployment.deleted_at IS NOT NULL
       -- On a real trunk, nobody is called to hear nothing.
       OR (v_deployment.message_version_id IS NULL AND v_trunk.kind <> 'simulated') THEN
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

    -- First from where somebody has been due for longest. One after the other, because what is locked in a lane and then
    -- not taken would be written for nothing.
    FOR v_epoch IN
        SELECT n.epoch
        FROM lane AS n
        CROSS JOIN LATERAL (
            SELECT c.due_at, c.id FROM call AS c
            WHERE c.deployment_id = p_deployment_id AND c.epoch = n.epoch AND c.state = 'queued' AND c.due_at <= v_now
            ORDER BY c.due_at, c.id
            LIMIT 1
        ) AS first
        WHERE n.deployment_id = p_deployment_id AND n.paused_at IS NULL
        ORDER BY first.due_at, first.id
    LOOP
        WITH due AS (
            SELECT id FROM call
            WHERE deployment_id = p_deployment_id AND epoch = v_epoch AND state = 'queued'
              AND due_at <= v_now AND (end_at IS NULL OR end_at > v_now)
            ORDER BY due_at, id
            LIMIT v_allowed - v_claimed
            FOR UPDATE SKIP LOCKED
        ), claimed AS (
            UPDATE call AS c
            SET state = 'claimed', token = v_token, dialer_id = p_dialer_id, claimed_at = v_now
            FROM due
            WHERE c.id = due.id AND c.deployment_id = p_deployment_id
            RETURNING c.*
        )
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'id', id, 'phone_number', phone_number, 'number', '+' || number_of(number, phone_number),
            'caller_id', coalesce(ani, v_deployment.caller_id), 'postd', postd,
            'is_pci', is_pci, 'variables', variables, 'attempt', attempts + 1) ORDER BY due_at, id), '[]')
        INTO v_taken
        FROM claimed;
        v_calls := v_calls || v_taken;
        v_claimed := v_claimed + jsonb_array_length(v_taken);
        EXIT WHEN v_claimed = v_allowed;
    END LOOP;

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
        'token', v_token, 'epoch', v_queue.epoch, 'trunk_id', v_trunk.id, 'ring_timeout', v_deployment.ring_timeout,
        'message_version_id', v_deployment.message_version_id, 'calls', v_calls,
        'delay', coalesce(extract(epoch FROM v_next - v_now), 0), 'interval', coalesce(v_interval, 0),
        'wait', CASE WHEN v_claimed = v_allowed AND v_allowed < p_limit THEN greatest(
            0.005, coalesce(extract(epoch FROM v_next - v_now) + v_claimed * v_interval - p_horizon, 0.05)) END);
END $$;
