WITH active AS (
    SELECT id FROM account WHERE id = %(account_id)s AND deactivated_at IS NULL FOR SHARE
)
INSERT INTO account_user (account_id, email, is_administrator)
SELECT id, %(email)s, %(is_administrator)s FROM active
RETURNING id, account_id, email, is_administrator, created_at, deactivated_at
