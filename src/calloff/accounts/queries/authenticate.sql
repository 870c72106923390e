SELECT u.id, u.account_id, u.email, u.is_administrator,
       u.deactivated_at IS NULL AND a.deactivated_at IS NULL AS is_active,
       array(SELECT k.sha256 FROM developer_key AS k WHERE k.user_id = u.id AND k.revoked_at IS NULL) AS keys
FROM account_user AS u
JOIN account AS a ON a.id = u.account_id
WHERE lower(u.email) = lower(%(email)s)
