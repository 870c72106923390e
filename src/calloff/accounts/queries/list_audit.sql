-- What concerns no single account, such as a trunk, is shown to the first one, which is the operator's.
SELECT l.id, l.at, u.email AS user_email, l.origin, l.action, l.subject
FROM audit_log AS l
LEFT JOIN account_user AS u ON u.id = l.user_id
WHERE (l.account_id = %(account_id)s
       OR (l.account_id IS NULL AND %(account_id)s = (SELECT min(a.id) FROM account AS a)))
  AND l.id < %(before)s
ORDER BY l.id DESC
LIMIT %(limit)s
