INSERT INTO list (deployment_id, queue_epoch, name, sha256, columns, user_id, origin, accepted, rejected, first_call_id,
                  last_call_id)
SELECT %(deployment_id)s, %(epoch)s, %(name)s, %(sha256)s, %(columns)s, %(user_id)s, %(origin)s,
       count(*) FILTER (WHERE error IS NULL), count(*) FILTER (WHERE error IS NOT NULL),
       min(id) FILTER (WHERE error IS NULL), max(id) FILTER (WHERE error IS NULL)
FROM upload
RETURNING id, epoch
