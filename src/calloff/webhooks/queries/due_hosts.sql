-- One step of the index for each host, however many callbacks wait for it.
WITH RECURSIVE open_host AS (
    (SELECT host FROM callback WHERE delivered_at IS NULL AND gave_up_at IS NULL ORDER BY host LIMIT 1)
    UNION ALL
    SELECT (SELECT c.host FROM callback AS c
            WHERE c.delivered_at IS NULL AND c.gave_up_at IS NULL AND c.host > h.host ORDER BY c.host LIMIT 1)
    FROM open_host AS h
    WHERE h.host IS NOT NULL
)
SELECT h.host, a.account_id
FROM open_host AS h
-- Not EXISTS, which a planner that does not know the table yet turns into a join with all of it.
CROSS JOIN LATERAL (
    SELECT c.deployment_id, c.next_attempt_at FROM callback AS c
    WHERE c.host = h.host AND c.delivered_at IS NULL AND c.gave_up_at IS NULL
    ORDER BY c.next_attempt_at
    LIMIT 1
) AS first
JOIN deployment AS d ON d.id = first.deployment_id
JOIN application AS a ON a.id = d.application_id
WHERE h.host IS NOT NULL AND first.next_attempt_at <= now()
