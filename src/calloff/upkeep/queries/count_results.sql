-- How many calls ever ended, by result: also those that were removed since, so that it only grows.
SELECT n.deployment_id, CASE WHEN n.state = 'canceled' THEN 'canceled' ELSE n.result END AS result,
       sum(n.calls)::bigint AS calls
FROM call_count AS n
WHERE n.state IN ('completed', 'failed', 'canceled')
GROUP BY 1, 2
ORDER BY 1, 2
