WITH allowed AS (
    DELETE FROM do_not_call
    WHERE account_id = %(list_account)s AND application_id = %(application_id)s AND number = %(number)s
    RETURNING 1
), fenced AS MATERIALIZED (
    SELECT count(*) AS value FROM commit_durably(), allowed
), entry AS (
    INSERT INTO audit_log (account_id, user_id, origin, action, subject, changes)
    SELECT %(account_id)s, %(user_id)s, %(origin)s, %(action)s, %(subject)s, %(changes)s
    FROM fenced
)
SELECT value FROM fenced
