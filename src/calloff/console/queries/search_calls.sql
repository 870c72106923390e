-- The calls to one number, however it was written, newest first.
WITH page AS (
    SELECT c.id FROM unnest(%(numbers)s::text[]) AS n (phone_number) CROSS JOIN LATERAL (
        SELECT c.id FROM call AS c
        WHERE c.deployment_id = %(deployment_id)s AND c.phone_number = n.phone_number AND c.id < %(before)s
        ORDER BY c.id DESC LIMIT %(limit)s
    ) AS c
    ORDER BY c.id DESC LIMIT %(limit)s
)
SELECT v.*
FROM page AS p
JOIN call_status AS v ON v.id = p.id AND v.deployment_id = %(deployment_id)s
ORDER BY v.id DESC
