WITH changed AS (
    UPDATE account SET hours_from = %(begin)s, hours_until = %(until)s, hours_days = %(days)s::smallint[] WHERE id = %(for_account)s RETURNING 1
), fenced AS MATERIALIZED (
    SELECT fence_rules(%(for_account)s, c.changed) AS value FROM (SELECT count(*) AS changed FROM changed) AS c
), entry AS (
    INSERT INTO audit_log (account_id, user_id, origin, action, subject, changes)
    SELECT %(account_id)s, %(user_id)s, %(origin)s, %(action)s, %(subject)s, %(changes)s
    FROM fenced
)
SELECT value FROM fenced
