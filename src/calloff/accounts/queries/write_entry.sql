INSERT INTO audit_log (account_id, user_id, origin, action, subject, changes)
VALUES (%(account_id)s, %(user_id)s, %(origin)s, %(action)s, %(subject)s, %(changes)s)
