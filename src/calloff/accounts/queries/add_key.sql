WITH active AS (
    SELECT id FROM account_user WHERE id = %(user_id)s AND deactivated_at IS NULL FOR SHARE
)
INSERT INTO developer_key (user_id, sha256)
SELECT id, %(sha256)s FROM active
RETURNING id, user_id, created_at, revoked_at, last_used_at
