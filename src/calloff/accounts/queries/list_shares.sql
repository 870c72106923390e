SELECT application_id, user_id, may_view, may_queue, may_cancel, may_administer
FROM permission
WHERE application_id = %(application_id)s
ORDER BY user_id
