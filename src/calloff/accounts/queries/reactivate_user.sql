-- Whoever comes back signs in anew.
WITH ended AS (
    DELETE FROM session WHERE user_id = %(user_id)s
)
UPDATE account_user SET deactivated_at = NULL
WHERE id = %(user_id)s
RETURNING id, account_id, email, is_administrator, created_at, deactivated_at
