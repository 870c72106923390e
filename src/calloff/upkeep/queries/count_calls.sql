SELECT n.deployment_id,
       CASE
           WHEN n.state = 'queued' AND n.epoch < q.epoch THEN 'canceled'
           ELSE n.state
       END AS status,
       n.result, greatest(0, sum(n.calls))::bigint AS calls
FROM call_count AS n
JOIN queue AS q ON q.deployment_id = n.deployment_id
WHERE n.epoch >= -1
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
