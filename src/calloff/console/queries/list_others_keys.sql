-- The keys that still open something for the other users of an account.
SELECT k.id, k.created_at, k.last_used_at, u.email
FROM developer_key AS k
JOIN account_user AS u ON u.id = k.user_id
WHERE u.account_id = %(account_id)s AND u.id <> %(user_id)s AND u.deactivated_at IS NULL AND k.revoked_at IS NULL
ORDER BY u.email, k.id
