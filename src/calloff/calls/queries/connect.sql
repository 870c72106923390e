UPDATE call AS c
SET state = 'connected', sip_code = 200, dialog = c.dialog || answer.dialog,
    connected_at = clock_timestamp() - make_interval(secs => answer.ago),
    events = events || event('connected', clock_timestamp() - make_interval(secs => answer.ago), answer.detail)
FROM commit_durably(),
    json_to_recordset(%(moves)s) AS answer (id bigint, token uuid, ago double precision, detail jsonb, dialog jsonb)
WHERE c.deployment_id = %(deployment_id)s AND c.id = answer.id AND c.token = answer.token
  AND c.state IS NOT DISTINCT FROM 'dialing'
RETURNING c.id
