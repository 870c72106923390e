SELECT account_id, application_id, source, evidence, origin, added_at, ends_at
FROM do_not_call
WHERE account_id IN (0, %(list_account)s) AND number = %(number)s
ORDER BY account_id, application_id
