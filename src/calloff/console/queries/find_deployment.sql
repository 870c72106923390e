SELECT d.*, a.name AS application_name, t.name AS trunk_name, t.kind AS trunk_kind, q.paused_at, q.epoch
FROM deployment AS d
JOIN application AS a ON a.id = d.application_id
JOIN trunk AS t ON t.id = d.trunk_id
JOIN queue AS q ON q.deployment_id = d.id
WHERE d.id = %(deployment_id)s
