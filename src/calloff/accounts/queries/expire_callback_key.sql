UPDATE callback_key SET expires_at = now() + make_interval(secs => %(overlap)s)
WHERE deployment_id = %(deployment_id)s AND expires_at IS NULL
