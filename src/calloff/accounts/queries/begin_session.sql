-- The user's sessions that are over go at the same time.
WITH over AS (
    DELETE FROM session
    WHERE user_id = %(user_id)s
      AND (created_at < now() - make_interval(secs => %(longest)s) OR seen_at < now() - make_interval(secs => %(idle)s))
)
INSERT INTO session (sha256, user_id) VALUES (%(sha256)s, %(user_id)s)
