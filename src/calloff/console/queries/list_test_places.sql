-- The deployments of an account that dial over a trunk, for a test call.
SELECT d.id, d.application_id, d.name, a.name AS application_name
FROM deployment AS d
JOIN application AS a ON a.id = d.application_id
WHERE d.trunk_id = %(trunk_id)s AND a.account_id = %(account_id)s AND d.deleted_at IS NULL AND a.deleted_at IS NULL
ORDER BY d.id
LIMIT 50
