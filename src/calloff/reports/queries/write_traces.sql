INSERT INTO call_trace (call_id, attempt, messages, media) VALUES (%(call_id)s, %(attempt)s, %(messages)s, %(media)s)
ON CONFLICT DO NOTHING
