-- Whoever is delivering it now does not speak for it any more, so that it is sent again in any case.
UPDATE callback SET attempts = attempts + 1, failures = 0, next_attempt_at = now(), delivered_at = NULL, gave_up_at = NULL
WHERE deployment_id = %(deployment_id)s AND (%(call_id)s::bigint IS NULL OR call_id = %(call_id)s)
  AND (%(call_id)s::bigint IS NOT NULL OR gave_up_at IS NOT NULL)
