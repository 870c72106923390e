WITH counted AS (
    UPDATE message SET versions = versions + 1 WHERE id = %(message_id)s RETURNING id, versions
)
INSERT INTO message_version (message_id, version, vxml, steps, reads, sha256, user_id)
SELECT id, versions, %(vxml)s, %(steps)s, %(reads)s, %(sha256)s, %(user_id)s FROM counted
RETURNING id, version
