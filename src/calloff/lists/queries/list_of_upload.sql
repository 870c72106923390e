SELECT l.id AS value
FROM list AS l
WHERE l.deployment_id = %(deployment_id)s AND l.first_call_id = (SELECT min(id) FROM upload WHERE error IS NULL)
