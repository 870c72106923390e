WITH owner AS (
    SELECT u.id, u.account_id
    FROM account_user AS u
    JOIN account AS a ON a.id = u.account_id
    WHERE u.id = %(owner_user_id)s AND u.deactivated_at IS NULL AND a.deactivated_at IS NULL
    FOR SHARE
)
INSERT INTO application (account_id, owner_user_id, name)
SELECT account_id, id, %(name)s FROM owner
RETURNING id, account_id, owner_user_id, name, created_at, deleted_at
