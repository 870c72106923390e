SELECT application_id, user_id, may_view, may_queue, may_cancel, may_administer
FROM permission
WHERE application_id = %(application_id)s AND (may_view OR may_queue OR may_cancel OR may_administer)
ORDER BY user_id
