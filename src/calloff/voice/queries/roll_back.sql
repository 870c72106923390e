-- What is published gives way to what was published before it; changes nothing if there is no such thing.
WITH newest AS (
    SELECT id, message_version_id, row_number() OVER (ORDER BY id DESC) AS place
    FROM publication
    WHERE deployment_id = %(deployment_id)s AND rolled_back_at IS NULL
    ORDER BY id DESC LIMIT 2
), before AS (
    SELECT message_version_id FROM newest WHERE place = 2
), marked AS (
    UPDATE publication SET rolled_back_at = now()
    WHERE id = (SELECT id FROM newest WHERE place = 1) AND EXISTS (SELECT FROM before)
)
UPDATE deployment SET message_version_id = (SELECT message_version_id FROM before)
WHERE id = %(deployment_id)s AND EXISTS (SELECT FROM before)
RETURNING message_version_id
