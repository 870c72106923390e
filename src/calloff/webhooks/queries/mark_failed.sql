UPDATE callback
SET failures = failures + 1,
    deliveries = deliveries || event('failed', now(), jsonb_build_object('status', %(status)s::int, 'error', %(error)s::text)),
    next_attempt_at = now() + make_interval(secs => coalesce(%(wait)s::double precision, 0)),
    gave_up_at = CASE WHEN %(wait)s::double precision IS NULL THEN now() END
WHERE call_id = %(call_id)s AND deployment_id = %(deployment_id)s AND attempts = %(attempts)s
  AND delivered_at IS NULL AND gave_up_at IS NULL
