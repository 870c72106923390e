-- What migrations/ and functions/ add up to. Written by `make schema`, never by hand.

CREATE DOMAIN public.phone_number AS text
	CONSTRAINT phone_number_check CHECK ((VALUE ~ '^\+?[0-9]{7,15}$'::text));

CREATE FUNCTION public.base_list_epoch() RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '1099511627776'::bigint;

CREATE FUNCTION public.called_off_by(p_deployment_id bigint, p_epoch bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    IF p_epoch < base_list_epoch() THEN
        RETURN (SELECT p_epoch + 1 FROM queue AS q WHERE q.deployment_id = p_deployment_id AND q.epoch > p_epoch);
    END IF;
    RETURN (
        SELECT coalesce(x.epoch, CASE WHEN l.queue_epoch < q.epoch THEN l.queue_epoch + 1 END)
        FROM list AS l
        JOIN queue AS q ON q.deployment_id = l.deployment_id
        LEFT JOIN cancellation AS x ON x.deployment_id = l.deployment_id AND x.epoch = l.epoch + 1
        WHERE l.deployment_id = p_deployment_id AND l.epoch = p_epoch);
END $$;

CREATE FUNCTION public.cancel_call(p_deployment_id bigint, p_call_id bigint) RETURNS boolean
    LANGUAGE plpgsql
    SET jit TO 'off'
    SET lock_timeout TO '6s'
    AS $$
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

CREATE FUNCTION public.cancel_list(p_deployment_id bigint, p_list_id bigint, p_user_id bigint, p_origin text) RETURNS bigint
    LANGUAGE plpgsql
    SET jit TO 'off'
    SET lock_timeout TO '6s'
    AS $$
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

CREATE FUNCTION public.cancel_pending(p_deployment_id bigint, p_user_id bigint, p_origin text, p_hangs_up boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql
    SET jit TO 'off'
    SET lock_timeout TO '6s'
    AS $$
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

CREATE FUNCTION public.claim_calls(p_deployment_id bigint, p_dialer_id bigint, p_limit integer, p_horizon double precision) RETURNS json
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_sort TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
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

CREATE FUNCTION public.commit_durably() RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'The queue needs transactions that are READ COMMITTED.' USING ERRCODE = 'invalid_transaction_state';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END $$;

CREATE FUNCTION public.count_deleted_calls() RETURNS trigger
    LANGUAGE plpgsql
    SET jit TO 'off'
    SET enable_seqscan TO 'on'
    SET enable_hashjoin TO 'on'
    SET enable_sort TO 'on'
    AS $$
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

CREATE FUNCTION public.count_inserted_calls() RETURNS trigger
    LANGUAGE plpgsql
    SET jit TO 'off'
    SET enable_seqscan TO 'on'
    SET enable_hashjoin TO 'on'
    SET enable_sort TO 'on'
    AS $$
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

CREATE FUNCTION public.count_updated_calls() RETURNS trigger
    LANGUAGE plpgsql
    SET jit TO 'off'
    SET enable_seqscan TO 'on'
    SET enable_hashjoin TO 'on'
    SET enable_sort TO 'on'
    AS $$
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

CREATE FUNCTION public.counted_epoch(p_epoch bigint, p_ended_at timestamp with time zone) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((p_ended_at IS NULL) OR (p_epoch >= public.base_list_epoch())) THEN p_epoch ELSE ('-1'::integer)::bigint END;

CREATE FUNCTION public.counted_state(p_state text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (p_state = 'claimed'::text) THEN 'queued'::text ELSE p_state END;

CREATE FUNCTION public.delete_deployment(p_deployment_id bigint, p_user_id bigint, p_origin text) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM cancel_pending(p_deployment_id, p_user_id, p_origin);
    UPDATE deployment SET deleted_at = clock_timestamp() WHERE id = p_deployment_id AND deleted_at IS NULL;
    RETURN FOUND;
END $$;

CREATE FUNCTION public.event(p_name text, p_at timestamp with time zone, p_detail jsonb DEFAULT '{}'::jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (jsonb_build_object('event', p_name, 'timestamp', round(EXTRACT(epoch FROM p_at), 3)) || p_detail);

CREATE FUNCTION public.expire_calls(p_deployment_id bigint, p_limit integer) RETURNS integer
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_sort TO 'off'
    SET jit TO 'off'
    AS $$
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

CREATE FUNCTION public.fence_rules(p_account_id bigint, p_after bigint) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock(rules_lock_key(p_account_id));
    RETURN p_after;
END $$;

CREATE TABLE public.account (
    id bigint NOT NULL,
    name text NOT NULL,
    max_concurrent_calls integer,
    calls_per_second double precision,
    next_start_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    deactivated_at timestamp with time zone,
    country text DEFAULT 'US'::text NOT NULL,
    destinations text[] DEFAULT '{}'::text[] NOT NULL,
    hours_from time without time zone,
    hours_until time without time zone,
    hours_days smallint[] DEFAULT '{1,2,3,4,5,6,7}'::smallint[] NOT NULL,
    CONSTRAINT account_calls_per_second_check CHECK (((calls_per_second >= (0.001)::double precision) AND (calls_per_second <= (10000)::double precision))),
    CONSTRAINT account_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT account_hours_days_check CHECK ((cardinality(hours_days) > 0)),
    CONSTRAINT account_max_concurrent_calls_check CHECK ((max_concurrent_calls > 0)),
    CONSTRAINT account_name_check CHECK ((name <> ''::text)),
    CONSTRAINT hours_are_a_window CHECK (((num_nulls(hours_from, hours_until) = ANY (ARRAY[0, 2])) AND (hours_from < hours_until)))
)
WITH (fillfactor='50');

CREATE FUNCTION public.forbidding_rule(p_account public.account, p_application_id bigint, p_trunk_kind text, p_number bigint, p_country text, p_kind text, p_now timestamp with time zone) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    IF EXISTS (SELECT FROM do_not_call AS d
               WHERE d.account_id IN (0, p_account.id) AND d.number = p_number
                 AND d.application_id IN (0, p_application_id) AND (d.ends_at IS NULL OR d.ends_at > p_now)) THEN
        RETURN 'do_not_call';
    END IF;
    -- On the simulated trunk, nobody's phone rings.
    IF p_trunk_kind <> 'simulated' AND NOT EXISTS (
            SELECT FROM unnest(p_account.destinations) AS t (allowed)
            WHERE allowed LIKE '+%' AND starts_with('+' || p_number, allowed)) THEN
        IF p_kind IN ('premium', 'shared_cost', 'satellite', 'unassigned', 'pager', 'personal')
           AND NOT p_kind = ANY (p_account.destinations) THEN
            RETURN 'destination_kind';
        END IF;
        IF p_country <> p_account.country AND NOT p_account.destinations && ARRAY['*', p_country] THEN
            RETURN 'destination_country';
        END IF;
    END IF;
    RETURN NULL;
END $$;

CREATE TABLE public.call (
    id bigint NOT NULL,
    deployment_id bigint NOT NULL,
    epoch bigint NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    phone_number public.phone_number NOT NULL,
    ani public.phone_number,
    postd text,
    start_at timestamp with time zone DEFAULT now() NOT NULL,
    end_at timestamp with time zone,
    max_attempts smallint DEFAULT 1 NOT NULL,
    reattempt_wait integer,
    result_url text,
    is_pci boolean DEFAULT false NOT NULL,
    variables jsonb,
    queued_at timestamp with time zone DEFAULT now() NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    token uuid,
    dialer_id bigint,
    claimed_at timestamp with time zone,
    dialog jsonb,
    connected_at timestamp with time zone,
    ended_at timestamp with time zone,
    result text,
    sip_code smallint,
    callee_type text,
    collected jsonb,
    events jsonb DEFAULT '[]'::jsonb NOT NULL,
    number bigint,
    country text,
    number_kind text,
    zones text[],
    CONSTRAINT active_has_a_claim CHECK (
CASE
    WHEN (state = ANY (ARRAY['claimed'::text, 'dialing'::text, 'connected'::text])) THEN (num_nonnulls(token, dialer_id, claimed_at) = 3)
    ELSE (num_nonnulls(token, dialer_id) = 0)
END),
    CONSTRAINT attempts_need_a_wait CHECK (((max_attempts = 1) OR (reattempt_wait IS NOT NULL))),
    CONSTRAINT call_check CHECK (((attempts >= 0) AND (attempts <= max_attempts))),
    CONSTRAINT call_max_attempts_check CHECK (((max_attempts >= 1) AND (max_attempts <= 10))),
    CONSTRAINT call_postd_check CHECK ((postd ~ '^[0-9*#A-D,wp]+$'::text)),
    CONSTRAINT call_reattempt_wait_check CHECK (((reattempt_wait >= 60) AND (reattempt_wait <= 86400))),
    CONSTRAINT call_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'claimed'::text, 'dialing'::text, 'connected'::text, 'completed'::text, 'failed'::text, 'canceled'::text]))),
    CONSTRAINT closes_after_it_opens CHECK ((end_at > start_at)),
    CONSTRAINT completed_was_connected CHECK (((state <> ALL (ARRAY['connected'::text, 'completed'::text])) OR (connected_at IS NOT NULL))),
    CONSTRAINT over_has_its_result CHECK (((state = ANY (ARRAY['completed'::text, 'failed'::text])) = (result IS NOT NULL))),
    CONSTRAINT over_has_its_time CHECK (((state = ANY (ARRAY['completed'::text, 'failed'::text, 'canceled'::text])) = (ended_at IS NOT NULL)))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_insert_scale_factor='0.1', autovacuum_analyze_scale_factor='0.05', autovacuum_vacuum_cost_delay='0');

CREATE FUNCTION public.is_tried_again(p_call public.call, p_result text, p_may_retry boolean, p_on_unknown text, p_ended_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE
    AS $$
    SELECT p_may_retry AND (p_result <> 'unknown' OR p_on_unknown = 'retry') AND p_call.attempts < p_call.max_attempts
       AND (p_call.end_at IS NULL OR p_call.end_at > p_ended_at + make_interval(secs => p_call.reattempt_wait))
$$;

CREATE FUNCTION public.is_within_hours(p_account public.account, p_zones text[], p_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
SELECT coalesce(bool_and((p_at AT TIME ZONE zone)::time >= p_account.hours_from
                         AND (p_at AT TIME ZONE zone)::time < p_account.hours_until
                         AND extract(isodow FROM p_at AT TIME ZONE zone) = ANY (p_account.hours_days)), false)
FROM unnest(p_zones) AS t (zone)
$$;

CREATE FUNCTION public.next_permitted(p_account public.account, p_zones text[], p_now timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    IF p_account.hours_from IS NULL OR is_within_hours(p_account, p_zones, p_now) THEN
        RETURN p_now;
    END IF;
    -- A moment before which it was not allowed is the beginning of the hours in one of the zones, or of one of their days.
    RETURN (
        SELECT min(opens.at)
        FROM unnest(p_zones) AS t (zone)
        CROSS JOIN generate_series(0, 8) AS day
        CROSS JOIN LATERAL (
            SELECT ((p_now AT TIME ZONE zone)::date + day + p_account.hours_from) AT TIME ZONE zone AS at) AS opens
        WHERE opens.at > p_now AND is_within_hours(p_account, p_zones, opens.at));
END $$;

CREATE FUNCTION public.number_of(p_number bigint, p_phone_number text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
SELECT coalesce(p_number, CASE WHEN p_phone_number ~ '^[2-9][0-9]{9}$' THEN ('1' || p_phone_number)::bigint
                               ELSE ltrim(p_phone_number, '+')::bigint END)
$_$;

CREATE FUNCTION public.pause_list(p_deployment_id bigint, p_list_id bigint, p_paused boolean) RETURNS boolean
    LANGUAGE plpgsql
    SET jit TO 'off'
    SET lock_timeout TO '6s'
    AS $$
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

CREATE FUNCTION public.pause_queue(p_deployment_id bigint, p_paused boolean) RETURNS boolean
    LANGUAGE plpgsql
    SET jit TO 'off'
    SET lock_timeout TO '6s'
    AS $$
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

CREATE FUNCTION public.queue_lock_key(p_deployment_id bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashint8extended(p_deployment_id, (5433)::bigint);

CREATE FUNCTION public.refuse_to_change_a_version() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'A version of a message never changes. Add another one.' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION public.refuse_to_change_an_ended_call() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'A call that is over does not change any more.' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE FUNCTION public.rescue_calls(p_patience double precision) RETURNS jsonb
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_sort TO 'off'
    SET jit TO 'off'
    AS $$
DECLARE
    v_now     timestamptz := clock_timestamp();
    v_gone    bigint[];
    v_rescued jsonb;
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
        SELECT c.id, c.deployment_id, c.dialog, c.state, coalesce(c.ani, d.caller_id) AS caller_id,
            c.state <> 'claimed' AS was_started,
            c.state = 'claimed' OR is_tried_again(c, 'unknown', true, d.on_unknown, v_now) AS goes_on
        FROM call AS c
        JOIN deployment AS d ON d.id = c.deployment_id
        WHERE c.state IN ('claimed', 'dialing', 'connected')
          AND (c.dialer_id = ANY(v_gone)
               OR (c.state = 'claimed' AND c.claimed_at < v_now - make_interval(secs => p_patience)))
        FOR UPDATE OF c SKIP LOCKED
    ), rescued AS (
        UPDATE call AS c
        SET state = CASE WHEN goes_on THEN 'queued' ELSE 'failed' END,
            result = CASE WHEN NOT goes_on THEN 'unknown' END,
            ended_at = CASE WHEN NOT goes_on THEN v_now END,
            connected_at = CASE WHEN NOT goes_on THEN c.connected_at END,
            due_at = CASE WHEN was_started AND goes_on THEN v_now + make_interval(secs => c.reattempt_wait) ELSE c.due_at END,
            token = NULL, dialer_id = NULL, dialog = NULL,
            events = CASE WHEN was_started THEN events || event('failed', v_now, '{"result": "unknown"}') ELSE events END
        FROM lost
        WHERE c.id = lost.id AND c.deployment_id = lost.deployment_id
        RETURNING c.id, c.phone_number, lost.caller_id, lost.state, lost.dialog
    )
    SELECT jsonb_build_object(
        'rescued', count(*),
        'abandoned', coalesce(jsonb_agg(jsonb_build_object(
            'call_id', id, 'number', phone_number, 'caller_id', caller_id, 'is_connected', state = 'connected',
            'dialog', dialog)) FILTER (WHERE dialog IS NOT NULL), '[]'))
    INTO v_rescued FROM rescued;
    IF v_rescued -> 'rescued' <> '0' THEN
        PERFORM pg_notify('calloff_due', '');
    END IF;
    RETURN v_rescued;
END $$;

CREATE FUNCTION public.rules_lock_key(p_account_id bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashint8extended(p_account_id, (6014)::bigint);

CREATE FUNCTION public.start_calls(p_deployment_id bigint, p_call_ids bigint[], p_tokens uuid[], p_dialogs jsonb[]) RETURNS jsonb
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_sort TO 'off'
    SET jit TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
DECLARE
    v_queue          queue;
    v_account        account;
    v_application_id bigint;
    v_trunk_kind     text;
    v_now            timestamptz;
    v_started        bigint[] := '{}';
    v_refused        jsonb := '{}';
BEGIN
    PERFORM commit_durably();
    PERFORM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id));
    -- Also those of the rules, before anything is read: a rule that was answered for holds from the next start on.
    PERFORM pg_advisory_xact_lock_shared(rules_lock_key(0));
    PERFORM pg_advisory_xact_lock_shared(rules_lock_key(a.account_id))
    FROM deployment AS d JOIN application AS a ON a.id = d.application_id WHERE d.id = p_deployment_id;
    SELECT * INTO v_queue FROM queue WHERE deployment_id = p_deployment_id;
    SELECT d.application_id, t.kind INTO v_application_id, v_trunk_kind
    FROM deployment AS d JOIN trunk AS t ON t.id = d.trunk_id WHERE d.id = p_deployment_id;
    SELECT o.* INTO v_account
    FROM application AS a JOIN account AS o ON o.id = a.account_id WHERE a.id = v_application_id;
    v_now := clock_timestamp();
    IF v_queue.paused_at IS NULL THEN
        WITH started AS (
            UPDATE call AS c
            SET state = 'dialing', attempts = attempts + 1, dialog = claim.dialog,
                events = events || event('dialing', clock_timestamp())
            FROM unnest(p_call_ids, p_tokens, p_dialogs) AS claim (id, token, dialog)
            WHERE c.id = claim.id AND c.deployment_id = p_deployment_id AND c.token = claim.token
              -- Spelled so that no partial index seems to fit: the primary key is the only way that costs the same always.
              AND c.state IS NOT DISTINCT FROM 'claimed' AND called_off_by(p_deployment_id, c.epoch) IS NULL
              AND NOT EXISTS (SELECT FROM list AS l WHERE l.deployment_id = p_deployment_id AND l.epoch = c.epoch
                                                      AND l.paused_at IS NOT NULL)
              AND (c.end_at IS NULL OR c.end_at > v_now)
              AND forbidding_rule(v_account, v_application_id, v_trunk_kind, number_of(c.number, c.phone_number),
                                  c.country, c.number_kind, v_now) IS NULL
              AND next_permitted(v_account, c.zones, v_now) <= v_now
            RETURNING c.id
        )
        SELECT coalesce(array_agg(id), '{}') INTO v_started FROM started;
    END IF;
    IF cardinality(v_started) < cardinality(p_call_ids) THEN
        -- Nobody claims these again before something has changed: the queue goes on, or they are over.
        WITH judged AS MATERIALIZED (
            SELECT c.id, claim.token, h.until,
                   -- Hours that do not come within the call's window, or never, forbid it for good.
                   CASE WHEN r.rule IS NOT NULL THEN r.rule
                        WHEN h.until IS NULL OR h.until >= c.end_at THEN 'calling_hours' END AS rule,
                   CASE WHEN called_off_by(p_deployment_id, c.epoch) IS NOT NULL THEN 'canceled'
                        WHEN v_queue.paused_at IS NOT NULL OR l.paused_at IS NOT NULL THEN 'paused'
                        WHEN c.end_at <= v_now THEN 'window_closed'
                        WHEN r.rule IS NOT NULL OR h.until IS NULL OR h.until >= c.end_at THEN 'not_permitted'
                        WHEN h.until > v_now THEN 'held'
                        ELSE 'window_closed' END AS reason
            FROM unnest(p_call_ids, p_tokens) AS claim (id, token)
            JOIN call AS c ON c.id = claim.id AND c.deployment_id = p_deployment_id AND c.token = claim.token
            LEFT JOIN list AS l ON l.deployment_id = p_deployment_id AND l.epoch = c.epoch
            CROSS JOIN LATERAL forbidding_rule(
                v_account, v_application_id, v_trunk_kind, number_of(c.number, c.phone_number), c.country, c.number_kind,
                v_now) AS r (rule)
            CROSS JOIN LATERAL next_permitted(v_account, c.zones, v_now) AS h (until)
            WHERE c.state IS NOT DISTINCT FROM 'claimed'
        ), refused AS (
            UPDATE call AS c
            -- What is held is due when it may be called, so that no claim wades through it.
            SET (state, result, ended_at, due_at, events) = (
                    SELECT CASE WHEN forbidden THEN 'failed' ELSE 'queued' END,
                           CASE WHEN forbidden THEN 'not_permitted' END,
                           CASE WHEN forbidden THEN v_now END,
                           CASE WHEN j.reason = 'held' THEN j.until ELSE c.due_at END,
                           CASE WHEN forbidden THEN c.events || event('refused', v_now, jsonb_build_object('rule', j.rule))
                                WHEN j.reason = 'held' THEN c.events || event('held', v_now, jsonb_build_object(
                                    'rule', 'calling_hours', 'held_until', extract(epoch FROM j.until)::bigint))
                                ELSE c.events END
                    FROM (SELECT j.reason = 'not_permitted' AS forbidden) AS f),
                token = NULL, dialer_id = NULL
            FROM judged AS j
            WHERE c.id = j.id AND c.deployment_id = p_deployment_id AND c.token = j.token
              AND c.state IS NOT DISTINCT FROM 'claimed'
            RETURNING c.id, j.reason
        )
        SELECT coalesce(jsonb_object_agg(id, reason), '{}') INTO v_refused FROM refused;
    END IF;
    RETURN jsonb_build_object('started', v_started, 'refused', v_refused);
END $$;

ALTER TABLE public.account ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.account_user (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    email text NOT NULL,
    is_administrator boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    deactivated_at timestamp with time zone,
    password_hash text,
    must_change_password boolean DEFAULT false NOT NULL,
    CONSTRAINT account_user_email_check CHECK ((email ~~ '_%@_%'::text)),
    CONSTRAINT account_user_password_hash_check CHECK ((password_hash ~~ '$argon2id$%'::text))
);

ALTER TABLE public.account_user ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.account_user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.application (
    id bigint NOT NULL,
    account_id bigint NOT NULL,
    owner_user_id bigint NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT application_name_check CHECK ((name <> ''::text))
);

ALTER TABLE public.application ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.application_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    account_id bigint,
    user_id bigint,
    origin text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    changes jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT audit_log_action_check CHECK ((action <> ''::text)),
    CONSTRAINT audit_log_changes_check CHECK ((jsonb_typeof(changes) = 'object'::text))
);

ALTER TABLE public.audit_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.call_count (
    deployment_id bigint NOT NULL,
    epoch bigint NOT NULL,
    state text NOT NULL,
    result text NOT NULL,
    slot smallint NOT NULL,
    calls bigint NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE public.call ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.call_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.cancellation (
    deployment_id bigint NOT NULL,
    epoch bigint NOT NULL,
    canceled_at timestamp with time zone NOT NULL,
    user_id bigint,
    origin text NOT NULL,
    settled_calls bigint DEFAULT 0 NOT NULL,
    hangs_up boolean DEFAULT false NOT NULL
);

CREATE TABLE public.list (
    id bigint NOT NULL,
    deployment_id bigint NOT NULL,
    epoch bigint GENERATED ALWAYS AS (('1099511627776'::bigint + (2 * id))) STORED NOT NULL,
    queue_epoch bigint NOT NULL,
    name text NOT NULL,
    sha256 bytea NOT NULL,
    columns text[] NOT NULL,
    user_id bigint,
    origin text NOT NULL,
    queued_at timestamp with time zone DEFAULT now() NOT NULL,
    accepted bigint NOT NULL,
    rejected bigint NOT NULL,
    first_call_id bigint NOT NULL,
    last_call_id bigint NOT NULL,
    paused_at timestamp with time zone,
    ended_at timestamp with time zone,
    results jsonb,
    CONSTRAINT ended_has_its_results CHECK (((ended_at IS NULL) = (results IS NULL))),
    CONSTRAINT list_accepted_check CHECK ((accepted > 0)),
    CONSTRAINT list_name_check CHECK ((name <> ''::text)),
    CONSTRAINT list_rejected_check CHECK ((rejected >= 0)),
    CONSTRAINT list_sha256_check CHECK ((octet_length(sha256) = 32))
);

CREATE VIEW public.call_status AS
 SELECT c.id,
    c.deployment_id,
    c.epoch,
    c.state,
    c.phone_number,
    c.ani,
    c.postd,
    c.start_at,
    c.end_at,
    c.max_attempts,
    c.reattempt_wait,
    c.result_url,
    c.is_pci,
    c.variables,
    c.queued_at,
    c.due_at,
    c.attempts,
    c.token,
    c.dialer_id,
    c.claimed_at,
    c.dialog,
    c.connected_at,
    c.ended_at,
    c.result,
    c.sip_code,
    c.callee_type,
    c.collected,
    c.events,
    c.number,
    c.country,
    c.number_kind,
    c.zones,
        CASE
            WHEN (x.canceled_at IS NOT NULL) THEN 'canceled'::text
            WHEN (c.state = 'claimed'::text) THEN 'queued'::text
            ELSE c.state
        END AS status,
    x.canceled_at AS called_off_at,
    l.id AS list_id
   FROM ((public.call c
     LEFT JOIN public.list l ON (((l.deployment_id = c.deployment_id) AND (l.epoch = c.epoch))))
     LEFT JOIN LATERAL ( SELECT min(x_1.canceled_at) AS canceled_at
           FROM public.cancellation x_1
          WHERE ((c.state = ANY (ARRAY['queued'::text, 'claimed'::text])) AND (x_1.deployment_id = c.deployment_id) AND (x_1.epoch = ANY (ARRAY[(c.epoch + 1), (l.queue_epoch + 1)])))) x ON (true));

CREATE TABLE public.call_trace (
    call_id bigint NOT NULL,
    attempt integer NOT NULL,
    messages bytea NOT NULL,
    media jsonb,
    CONSTRAINT call_trace_attempt_check CHECK ((attempt > 0))
);

CREATE TABLE public.callback (
    call_id bigint NOT NULL,
    deployment_id bigint NOT NULL,
    host text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    failures smallint DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone DEFAULT now() NOT NULL,
    delivered_at timestamp with time zone,
    gave_up_at timestamp with time zone,
    deliveries jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT delivered_or_given_up CHECK ((num_nonnulls(delivered_at, gave_up_at) <= 1))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0.05');

CREATE TABLE public.callback_key (
    id bigint NOT NULL,
    deployment_id bigint NOT NULL,
    secret text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone
);

ALTER TABLE public.callback_key ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.callback_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.deployment (
    id bigint NOT NULL,
    application_id bigint NOT NULL,
    trunk_id bigint NOT NULL,
    name text NOT NULL,
    caller_id public.phone_number,
    max_concurrent_calls integer,
    calls_per_second double precision,
    ring_timeout double precision DEFAULT 60 NOT NULL,
    on_unknown text DEFAULT 'fail'::text NOT NULL,
    callback_format text DEFAULT 'json'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_at timestamp with time zone,
    message_version_id bigint,
    CONSTRAINT deployment_callback_format_check CHECK ((callback_format = ANY (ARRAY['json'::text, 'form'::text]))),
    CONSTRAINT deployment_calls_per_second_check CHECK (((calls_per_second >= (0.001)::double precision) AND (calls_per_second <= (10000)::double precision))),
    CONSTRAINT deployment_max_concurrent_calls_check CHECK ((max_concurrent_calls > 0)),
    CONSTRAINT deployment_name_check CHECK ((name <> ''::text)),
    CONSTRAINT deployment_on_unknown_check CHECK ((on_unknown = ANY (ARRAY['fail'::text, 'retry'::text]))),
    CONSTRAINT deployment_ring_timeout_check CHECK (((ring_timeout >= (1)::double precision) AND (ring_timeout <= (300)::double precision)))
);

ALTER TABLE public.deployment ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.deployment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.developer_key (
    id bigint NOT NULL,
    user_id bigint NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT developer_key_sha256_check CHECK ((octet_length(sha256) = 32))
);

ALTER TABLE public.developer_key ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.developer_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.dialer (
    id bigint NOT NULL,
    name text NOT NULL,
    ports integer NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    ports_in_use integer DEFAULT 0 NOT NULL,
    latencies jsonb DEFAULT '{}'::jsonb NOT NULL,
    dials jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT dialer_ports_check CHECK ((ports > 0))
);

ALTER TABLE public.dialer ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.dialer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.do_not_call (
    account_id bigint NOT NULL,
    number bigint NOT NULL,
    application_id bigint NOT NULL,
    source text NOT NULL,
    evidence text,
    user_id bigint,
    origin text NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    ends_at timestamp with time zone
);

CREATE TABLE public.ended_calls (
    deployment_id bigint NOT NULL,
    minute_of_hour smallint NOT NULL,
    result text NOT NULL,
    slot smallint NOT NULL,
    minute timestamp with time zone NOT NULL,
    calls bigint NOT NULL,
    CONSTRAINT ended_calls_minute_of_hour_check CHECK (((minute_of_hour >= 0) AND (minute_of_hour <= 59)))
)
WITH (fillfactor='50');

CREATE TABLE public.function_source (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.idempotency_key (
    deployment_id bigint NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    call_ids bigint[] NOT NULL,
    rejected jsonb DEFAULT '[]'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_key_fingerprint_check CHECK ((octet_length(fingerprint) = 32))
);

CREATE TABLE public.queue (
    deployment_id bigint NOT NULL,
    epoch bigint DEFAULT 0 NOT NULL,
    paused_at timestamp with time zone,
    next_start_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE VIEW public.lane AS
 SELECT q.deployment_id,
    q.epoch,
    q.paused_at
   FROM public.queue q
UNION ALL
 SELECT l.deployment_id,
    l.epoch,
    COALESCE(q.paused_at, l.paused_at) AS paused_at
   FROM (public.list l
     JOIN public.queue q ON (((q.deployment_id = l.deployment_id) AND (q.epoch = l.queue_epoch))))
  WHERE ((l.ended_at IS NULL) AND (NOT (EXISTS ( SELECT
           FROM public.cancellation x
          WHERE ((x.deployment_id = l.deployment_id) AND (x.epoch = (l.epoch + 1)))))));

ALTER TABLE public.list ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.list_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.message (
    id bigint NOT NULL,
    application_id bigint NOT NULL,
    name text NOT NULL,
    versions integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT message_name_check CHECK ((name <> ''::text)),
    CONSTRAINT message_versions_check CHECK ((versions >= 0))
);

CREATE TABLE public.message_file (
    message_version_id bigint NOT NULL,
    name text NOT NULL,
    content bytea NOT NULL,
    CONSTRAINT message_file_name_check CHECK ((name <> ''::text))
);

ALTER TABLE public.message ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.message_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.message_version (
    id bigint NOT NULL,
    message_id bigint NOT NULL,
    version integer NOT NULL,
    vxml bytea NOT NULL,
    steps jsonb,
    reads jsonb,
    sha256 bytea NOT NULL,
    user_id bigint,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT message_version_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT message_version_version_check CHECK ((version > 0))
);

ALTER TABLE public.message_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.message_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.migration (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.permission (
    application_id bigint NOT NULL,
    user_id bigint NOT NULL,
    may_view boolean DEFAULT true NOT NULL,
    may_queue boolean DEFAULT false NOT NULL,
    may_cancel boolean DEFAULT false NOT NULL,
    may_administer boolean DEFAULT false NOT NULL
);

CREATE TABLE public.publication (
    id bigint NOT NULL,
    deployment_id bigint NOT NULL,
    message_version_id bigint NOT NULL,
    published_at timestamp with time zone DEFAULT now() NOT NULL,
    rolled_back_at timestamp with time zone
);

ALTER TABLE public.publication ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.publication_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.session (
    sha256 bytea NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT session_sha256_check CHECK ((octet_length(sha256) = 32))
);

CREATE TABLE public.trunk (
    id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    max_concurrent_calls integer,
    calls_per_second double precision,
    next_start_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT trunk_calls_per_second_check CHECK (((calls_per_second >= (0.001)::double precision) AND (calls_per_second <= (10000)::double precision))),
    CONSTRAINT trunk_kind_check CHECK ((kind = ANY (ARRAY['simulated'::text, 'sip'::text]))),
    CONSTRAINT trunk_max_concurrent_calls_check CHECK ((max_concurrent_calls > 0)),
    CONSTRAINT trunk_name_check CHECK ((name <> ''::text))
)
WITH (fillfactor='50');

ALTER TABLE public.trunk ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.trunk_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.account_user
    ADD CONSTRAINT account_user_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.application
    ADD CONSTRAINT application_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.call_count
    ADD CONSTRAINT call_count_pkey PRIMARY KEY (deployment_id, epoch, state, result, slot);

ALTER TABLE ONLY public.call
    ADD CONSTRAINT call_pkey PRIMARY KEY (id, deployment_id);

ALTER TABLE ONLY public.call_trace
    ADD CONSTRAINT call_trace_pkey PRIMARY KEY (call_id, attempt);

ALTER TABLE ONLY public.callback_key
    ADD CONSTRAINT callback_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.callback
    ADD CONSTRAINT callback_pkey PRIMARY KEY (call_id, deployment_id);

ALTER TABLE ONLY public.cancellation
    ADD CONSTRAINT cancellation_pkey PRIMARY KEY (deployment_id, epoch);

ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.developer_key
    ADD CONSTRAINT developer_key_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.developer_key
    ADD CONSTRAINT developer_key_sha256_key UNIQUE (sha256);

ALTER TABLE ONLY public.dialer
    ADD CONSTRAINT dialer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.do_not_call
    ADD CONSTRAINT do_not_call_pkey PRIMARY KEY (account_id, number, application_id);

ALTER TABLE ONLY public.ended_calls
    ADD CONSTRAINT ended_calls_pkey PRIMARY KEY (deployment_id, minute_of_hour, result, slot);

ALTER TABLE ONLY public.function_source
    ADD CONSTRAINT function_source_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (deployment_id, key);

ALTER TABLE ONLY public.list
    ADD CONSTRAINT list_id_key UNIQUE (id);

ALTER TABLE ONLY public.list
    ADD CONSTRAINT list_pkey PRIMARY KEY (deployment_id, epoch);

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_application_id_name_key UNIQUE (application_id, name);

ALTER TABLE ONLY public.message_file
    ADD CONSTRAINT message_file_pkey PRIMARY KEY (message_version_id, name);

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.message_version
    ADD CONSTRAINT message_version_message_id_version_key UNIQUE (message_id, version);

ALTER TABLE ONLY public.message_version
    ADD CONSTRAINT message_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.permission
    ADD CONSTRAINT permission_pkey PRIMARY KEY (application_id, user_id);

ALTER TABLE ONLY public.publication
    ADD CONSTRAINT publication_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.queue
    ADD CONSTRAINT queue_pkey PRIMARY KEY (deployment_id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY public.trunk
    ADD CONSTRAINT trunk_name_key UNIQUE (name);

ALTER TABLE ONLY public.trunk
    ADD CONSTRAINT trunk_pkey PRIMARY KEY (id);

CREATE UNIQUE INDEX account_user_email ON public.account_user USING btree (lower(email));

CREATE INDEX application_account ON public.application USING btree (account_id);

CREATE INDEX audit_log_account ON public.audit_log USING btree (account_id, at, id);

CREATE INDEX audit_log_user ON public.audit_log USING btree (user_id, at, id);

CREATE INDEX call_active ON public.call USING btree (deployment_id, dialer_id, id) WHERE (state = ANY (ARRAY['claimed'::text, 'dialing'::text, 'connected'::text]));

CREATE INDEX call_closing ON public.call USING btree (deployment_id, epoch, end_at) WHERE ((state = 'queued'::text) AND (end_at IS NOT NULL));

CREATE INDEX call_due ON public.call USING btree (deployment_id, epoch, due_at, id) WHERE (state = 'queued'::text);

CREATE INDEX call_over ON public.call USING btree (deployment_id, state, id) WHERE (state = ANY (ARRAY['completed'::text, 'failed'::text, 'canceled'::text]));

CREATE INDEX call_phone_number ON public.call USING btree (deployment_id, phone_number, id);

CREATE INDEX call_queued ON public.call USING btree (deployment_id, epoch, id) WHERE (state = 'queued'::text);

CREATE INDEX callback_deployment ON public.callback USING btree (deployment_id, call_id);

CREATE UNIQUE INDEX callback_key_current ON public.callback_key USING btree (deployment_id) WHERE (expires_at IS NULL);

CREATE INDEX callback_key_deployment ON public.callback_key USING btree (deployment_id);

CREATE INDEX callback_open ON public.callback USING btree (host, next_attempt_at) WHERE ((delivered_at IS NULL) AND (gave_up_at IS NULL));

CREATE INDEX cancellation_in_order ON public.cancellation USING btree (deployment_id, canceled_at, epoch);

CREATE INDEX cancellation_that_hangs_up ON public.cancellation USING btree (deployment_id, epoch) WHERE hangs_up;

CREATE INDEX deployment_application ON public.deployment USING btree (application_id);

CREATE INDEX developer_key_user ON public.developer_key USING btree (user_id);

CREATE INDEX idempotency_key_created ON public.idempotency_key USING btree (created_at);

CREATE INDEX list_open ON public.list USING btree (deployment_id, queue_epoch) WHERE (ended_at IS NULL);

CREATE INDEX publication_deployment ON public.publication USING btree (deployment_id, id);

CREATE INDEX session_of_user ON public.session USING btree (user_id);

CREATE TRIGGER call_deleted AFTER DELETE ON public.call REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION public.count_deleted_calls();

CREATE TRIGGER call_inserted AFTER INSERT ON public.call REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION public.count_inserted_calls();

CREATE TRIGGER call_is_over AFTER UPDATE ON public.call FOR EACH ROW WHEN ((old.ended_at IS NOT NULL)) EXECUTE FUNCTION public.refuse_to_change_an_ended_call();

CREATE TRIGGER call_updated AFTER UPDATE ON public.call REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION public.count_updated_calls();

CREATE TRIGGER version_is_kept BEFORE DELETE OR UPDATE ON public.message_file FOR EACH ROW EXECUTE FUNCTION public.refuse_to_change_a_version();

CREATE TRIGGER version_is_kept BEFORE DELETE OR UPDATE ON public.message_version FOR EACH ROW EXECUTE FUNCTION public.refuse_to_change_a_version();

ALTER TABLE ONLY public.account_user
    ADD CONSTRAINT account_user_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.application
    ADD CONSTRAINT application_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.application
    ADD CONSTRAINT application_owner_user_id_fkey FOREIGN KEY (owner_user_id) REFERENCES public.account_user(id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.account(id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.account_user(id);

ALTER TABLE ONLY public.callback_key
    ADD CONSTRAINT callback_key_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id);

ALTER TABLE ONLY public.cancellation
    ADD CONSTRAINT cancellation_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.queue(deployment_id);

ALTER TABLE ONLY public.cancellation
    ADD CONSTRAINT cancellation_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.account_user(id);

ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_application_id_fkey FOREIGN KEY (application_id) REFERENCES public.application(id);

ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_message_version_id_fkey FOREIGN KEY (message_version_id) REFERENCES public.message_version(id);

ALTER TABLE ONLY public.deployment
    ADD CONSTRAINT deployment_trunk_id_fkey FOREIGN KEY (trunk_id) REFERENCES public.trunk(id);

ALTER TABLE ONLY public.developer_key
    ADD CONSTRAINT developer_key_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.account_user(id);

ALTER TABLE ONLY public.do_not_call
    ADD CONSTRAINT do_not_call_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.account_user(id);

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id);

ALTER TABLE ONLY public.list
    ADD CONSTRAINT list_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.queue(deployment_id);

ALTER TABLE ONLY public.list
    ADD CONSTRAINT list_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.account_user(id);

ALTER TABLE ONLY public.message
    ADD CONSTRAINT message_application_id_fkey FOREIGN KEY (application_id) REFERENCES public.application(id);

ALTER TABLE ONLY public.message_file
    ADD CONSTRAINT message_file_message_version_id_fkey FOREIGN KEY (message_version_id) REFERENCES public.message_version(id);

ALTER TABLE ONLY public.message_version
    ADD CONSTRAINT message_version_message_id_fkey FOREIGN KEY (message_id) REFERENCES public.message(id);

ALTER TABLE ONLY public.message_version
    ADD CONSTRAINT message_version_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.account_user(id);

ALTER TABLE ONLY public.permission
    ADD CONSTRAINT permission_application_id_fkey FOREIGN KEY (application_id) REFERENCES public.application(id);

ALTER TABLE ONLY public.permission
    ADD CONSTRAINT permission_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.account_user(id);

ALTER TABLE ONLY public.publication
    ADD CONSTRAINT publication_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id);

ALTER TABLE ONLY public.publication
    ADD CONSTRAINT publication_message_version_id_fkey FOREIGN KEY (message_version_id) REFERENCES public.message_version(id);

ALTER TABLE ONLY public.queue
    ADD CONSTRAINT queue_deployment_id_fkey FOREIGN KEY (deployment_id) REFERENCES public.deployment(id);

ALTER TABLE ONLY public.session
    ADD CONSTRAINT session_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.account_user(id);
