INSERT INTO permission (application_id, user_id, may_view, may_queue, may_cancel, may_administer)
SELECT a.id, u.id, %(may_view)s, %(may_queue)s, %(may_cancel)s, %(may_administer)s
FROM application AS a
JOIN account_user AS u ON u.account_id = a.account_id
WHERE a.id = %(application_id)s AND a.deleted_at IS NULL AND u.id = %(user_id)s
ON CONFLICT (application_id, user_id) DO UPDATE
SET may_view = excluded.may_view, may_queue = excluded.may_queue, may_cancel = excluded.may_cancel,
    may_administer = excluded.may_administer
RETURNING application_id, user_id, may_view, may_queue, may_cancel, may_administer
