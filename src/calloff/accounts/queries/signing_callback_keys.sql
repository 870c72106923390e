SELECT secret FROM callback_key
WHERE deployment_id = %(deployment_id)s AND (expires_at IS NULL OR expires_at > now())
ORDER BY id DESC
