SELECT u.id, u.account_id, u.email, u.is_administrator, u.password_hash, u.must_change_password,
       u.deactivated_at IS NULL AND a.deactivated_at IS NULL AS is_active
FROM account_user AS u
JOIN account AS a ON a.id = u.account_id
WHERE lower(u.email) = lower(%(email)s)
