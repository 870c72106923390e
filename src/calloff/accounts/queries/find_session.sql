SELECT u.id, u.account_id, u.email, u.is_administrator, u.must_change_password,
       s.seen_at < now() - interval '1 minute' AS is_stale
FROM session AS s
JOIN account_user AS u ON u.id = s.user_id
JOIN account AS a ON a.id = u.account_id
WHERE s.sha256 = %(sha256)s AND u.deactivated_at IS NULL AND a.deactivated_at IS NULL
  AND s.created_at > now() - make_interval(secs => %(longest)s)
  AND s.seen_at > now() - make_interval(secs => %(idle)s)
