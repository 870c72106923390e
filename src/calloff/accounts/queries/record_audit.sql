INSERT INTO audit_log (account_id, user_id, origin, action, subject)
VALUES (coalesce(%(account_id)s::bigint, (SELECT account_id FROM account_user WHERE id = %(of_user_id)s::bigint),
                 (SELECT account_id FROM application WHERE id = %(of_application_id)s::bigint)),
        %(user_id)s, %(origin)s, %(action)s, %(subject)s)
