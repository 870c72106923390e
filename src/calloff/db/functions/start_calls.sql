-- The point of no return. Of the claimed calls, starts those that may be dialed now, ends those that the rules forbid, and
-- gives back the others.
-- Returns {"started": [IDs], "refused": {ID: reason}}; a claim that is in neither is no longer the caller's.
CREATE OR REPLACE FUNCTION start_calls(p_deployment_id bigint, p_call_ids bigint[], p_tokens uuid[], p_dialogs jsonb[])
    RETURNS jsonb LANGUAGE plpgsql VOLATILE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_sort = off SET jit = off SET plan_cache_mode = force_generic_plan AS $$
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
