UPDATE callback
SET delivered_at = now(), deliveries = deliveries || event('delivered', now(), jsonb_build_object('status', %(status)s::int))
WHERE call_id = %(call_id)s AND deployment_id = %(deployment_id)s AND attempts = %(attempts)s
  AND delivered_at IS NULL AND gave_up_at IS NULL
