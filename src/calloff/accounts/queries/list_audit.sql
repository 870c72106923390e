-- What concerns the account, what its users did elsewhere, and, for the first account, which is the operator's, what
-- concerns no single one. Cancellations are their own entries, of which the deployment is a part of the key.
WITH last AS (
    SELECT timestamptz 'epoch' + %(at)s::bigint * interval '1 microsecond' AS at
), entry AS (
    (SELECT l.at, 0::bigint AS deployment_id, l.id, l.user_id, l.origin, l.action, l.subject, l.changes
     FROM audit_log AS l
     WHERE l.account_id = %(account_id)s AND (l.at, 0, l.id) < ((SELECT at FROM last), %(deployment_id)s, %(id)s)
     ORDER BY l.at DESC, l.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT l.at, 0, l.id, l.user_id, l.origin, l.action, l.subject, l.changes
     FROM audit_log AS l
     WHERE l.user_id IN (SELECT id FROM account_user WHERE account_id = %(account_id)s)
       AND l.account_id IS DISTINCT FROM %(account_id)s
       AND (l.at, 0, l.id) < ((SELECT at FROM last), %(deployment_id)s, %(id)s)
     ORDER BY l.at DESC, l.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT l.at, 0, l.id, l.user_id, l.origin, l.action, l.subject, l.changes
     FROM audit_log AS l
     WHERE l.account_id IS NULL AND %(account_id)s = (SELECT min(id) FROM account)
       AND l.user_id IS NULL
       AND (l.at, 0, l.id) < ((SELECT at FROM last), %(deployment_id)s, %(id)s)
     ORDER BY l.at DESC, l.id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT c.canceled_at, d.id, c.epoch, c.user_id, c.origin, 
            CASE WHEN c.list_id IS NULL THEN 'call everything off' ELSE 'call a list off' END,
            CASE WHEN c.list_id IS NULL THEN 'deployment ' || d.id ELSE 'list ' || c.list_id END, '{}'
     FROM application AS a
     JOIN deployment AS d ON d.application_id = a.id
     CROSS JOIN LATERAL (
         SELECT x.epoch, x.canceled_at, x.user_id, x.origin, l.id AS list_id
         FROM cancellation AS x
         LEFT JOIN list AS l ON l.deployment_id = x.deployment_id AND l.epoch = x.epoch - 1
         WHERE x.deployment_id = d.id
           AND (x.canceled_at, d.id, x.epoch) < ((SELECT at FROM last), %(deployment_id)s, %(id)s)
         ORDER BY x.canceled_at DESC, x.epoch DESC LIMIT %(limit)s
     ) AS c
     WHERE a.account_id = %(account_id)s
     ORDER BY c.canceled_at DESC, d.id DESC, c.epoch DESC LIMIT %(limit)s)
)
-- Whoever is concerned by what the operator does is not told which of the operator's users it was, nor from where.
SELECT e.at, u.email AS user_email,
       CASE WHEN e.user_id IS NULL OR u.id IS NOT NULL THEN e.origin ELSE split_part(e.origin, ' ', 1) END AS origin,
       e.action, e.subject, e.changes,
       concat_ws('-', (extract(epoch FROM e.at) * 1000000)::bigint, e.deployment_id, e.id) AS cursor
FROM entry AS e
LEFT JOIN account_user AS u ON u.id = e.user_id AND u.account_id = %(account_id)s
ORDER BY e.at DESC, e.deployment_id DESC, e.id DESC
LIMIT %(limit)s
