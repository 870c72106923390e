WITH ended AS (
    DELETE FROM session WHERE user_id = %(user_id)s
)
UPDATE account_user
SET password_hash = %(password_hash)s, must_change_password = %(must_change)s
WHERE id = %(user_id)s AND deactivated_at IS NULL
RETURNING id
