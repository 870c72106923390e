-- Where a queue has live calls: those that came one by one, and each list that is neither called off nor over.
DROP VIEW IF EXISTS lane;
CREATE VIEW lane AS
SELECT q.deployment_id, q.epoch, q.paused_at
FROM queue AS q
UNION ALL
SELECT l.deployment_id, l.epoch, coalesce(q.paused_at, l.paused_at)
FROM list AS l
JOIN queue AS q ON q.deployment_id = l.deployment_id AND q.epoch = l.queue_epoch
WHERE l.ended_at IS NULL
  AND NOT EXISTS (SELECT FROM cancellation AS x WHERE x.deployment_id = l.deployment_id AND x.epoch = l.epoch + 1);
