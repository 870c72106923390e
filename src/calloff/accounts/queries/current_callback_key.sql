INSERT INTO callback_key (deployment_id, secret) VALUES (%(deployment_id)s, %(secret)s)
ON CONFLICT (deployment_id) WHERE expires_at IS NULL DO UPDATE SET expires_at = callback_key.expires_at
RETURNING secret
