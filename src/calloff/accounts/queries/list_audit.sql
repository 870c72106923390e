SELECT l.id, l.at, u.email AS user_email, l.origin, l.action, l.subject
FROM audit_log AS l
LEFT JOIN account_user AS u ON u.id = l.user_id
WHERE l.account_id = %(account_id)s AND l.id < %(before)s
ORDER BY l.id DESC
LIMIT %(limit)s
