-- The entry in the same statement: nobody can be cut off between two of them, and leave the queue locked.
WITH done AS MATERIALIZED (
    SELECT pause_list(%(deployment_id)s, %(list_id)s, %(paused)s) AS value
), entry AS (
    INSERT INTO audit_log (account_id, user_id, origin, action, subject, changes)
    SELECT %(account_id)s, %(user_id)s, %(origin)s, %(action)s, %(subject)s, %(changes)s
    FROM done
    WHERE value AND %(action)s <> ''
)
SELECT value FROM done
