-- The calls of a list in the order of its lines: as they were queued, their IDs grow with the lines.
SELECT v.*
FROM call_status AS v
WHERE v.deployment_id = %(deployment_id)s AND v.list_id = %(list_id)s
  AND v.id > greatest(%(after)s, (SELECT first_call_id - 1 FROM list WHERE id = %(list_id)s))
  AND v.id <= (SELECT last_call_id FROM list WHERE id = %(list_id)s)
ORDER BY v.id
LIMIT %(limit)s
