-- The lock waits for a deletion of the application or a deactivation of the account, so that neither overlooks this one.
WITH live AS (
    SELECT a.id
    FROM application AS a
    JOIN account AS o ON o.id = a.account_id
    WHERE a.id = %(application_id)s AND a.deleted_at IS NULL AND o.deactivated_at IS NULL
    FOR SHARE
), added AS (
    INSERT INTO deployment (application_id, trunk_id, name)
    SELECT id, %(trunk_id)s, %(name)s FROM live
    RETURNING *
), its_queue AS (
    INSERT INTO queue (deployment_id) SELECT id FROM added
)
SELECT id, application_id, trunk_id, name, caller_id, max_concurrent_calls, calls_per_second, ring_timeout, on_unknown,
       callback_format, created_at, deleted_at
FROM added
