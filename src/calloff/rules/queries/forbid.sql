-- One statement, which commits by itself: nobody can be cut off in it and leave the rules locked. The fence comes last.
WITH forbidden AS (
    INSERT INTO do_not_call (account_id, number, application_id, source, evidence, user_id, origin, ends_at)
    SELECT %(list_account)s, n.number, %(application_id)s, %(source)s, %(evidence)s, %(user_id)s, %(origin)s, %(ends_at)s
    FROM unnest(%(numbers)s::bigint[]) AS n (number)
    ON CONFLICT (account_id, number, application_id) DO UPDATE
    SET source = excluded.source, evidence = excluded.evidence, user_id = excluded.user_id, origin = excluded.origin,
        added_at = excluded.added_at, ends_at = excluded.ends_at
    WHERE do_not_call.ends_at < coalesce(excluded.ends_at, 'infinity')
    RETURNING 1
), fenced AS MATERIALIZED (
    SELECT fence_rules(%(list_account)s, f.changed) AS value FROM (SELECT count(*) AS changed FROM forbidden) AS f
), entry AS (
    INSERT INTO audit_log (account_id, user_id, origin, action, subject, changes)
    SELECT %(account_id)s, %(user_id)s, %(origin)s, %(action)s, %(subject)s, %(changes)s
    FROM fenced
)
SELECT value FROM fenced
