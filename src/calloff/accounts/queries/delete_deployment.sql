-- The entry in the same statement: nobody can be cut off between two of them, and leave the queue locked.
WITH done AS MATERIALIZED (
    SELECT delete_deployment(%(deployment_id)s, %(by_user_id)s, %(by_origin)s) AS value
), entry AS (
    INSERT INTO audit_log (account_id, user_id, origin, action, subject, changes)
    SELECT %(account_id)s, %(user_id)s, %(origin)s, %(action)s, %(subject)s, %(changes)s
    FROM done
    WHERE value AND %(action)s <> ''
)
SELECT value FROM done
