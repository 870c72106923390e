-- Gives back what was claimed, or started and never sent, without using up an attempt. (Only held calls have a token.)
UPDATE call AS c
SET state = 'queued', token = NULL, dialer_id = NULL, dialog = NULL,
    due_at = CASE WHEN %(wait)s > 0 THEN greatest(c.due_at, clock_timestamp() + make_interval(secs => %(wait)s))
             ELSE c.due_at END,
    attempts = CASE WHEN state = 'dialing' THEN attempts - 1 ELSE attempts END,
    events = CASE WHEN state = 'dialing' THEN events - (-1) ELSE events END
FROM commit_durably(), json_to_recordset(%(moves)s) AS claim (id bigint, token uuid)
WHERE c.deployment_id = %(deployment_id)s AND c.id = claim.id AND c.token = claim.token
  AND c.state <> 'connected'
RETURNING c.id
