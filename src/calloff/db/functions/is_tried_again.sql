-- Whether another attempt follows one that ended at that moment: one is left, its wait is over before the window is, and
-- what nobody knows the end of is dialed again where the deployment wants it so. `p_may_retry` is what its result says
-- (`domain/results.py`).
CREATE OR REPLACE FUNCTION is_tried_again(
    p_call call, p_result text, p_may_retry boolean, p_on_unknown text, p_ended_at timestamptz) RETURNS boolean
    LANGUAGE sql STABLE AS $$
    SELECT p_may_retry AND (p_result <> 'unknown' OR p_on_unknown = 'retry') AND p_call.attempts < p_call.max_attempts
       AND (p_call.end_at IS NULL OR p_call.end_at > p_ended_at + make_interval(secs => p_call.reattempt_wait))
$$;
