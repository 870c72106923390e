-- A version becomes what the deployment's calls hear, unless it is so already.
WITH published AS (
    UPDATE deployment SET message_version_id = %(id)s
    WHERE id = %(deployment_id)s AND deleted_at IS NULL AND message_version_id IS DISTINCT FROM %(id)s
    RETURNING id
)
INSERT INTO publication (deployment_id, message_version_id)
-- What waited for a message is due.
SELECT id, %(id)s FROM published, pg_notify('calloff_due', '')
