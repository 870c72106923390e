SELECT n.deployment_id,
       CASE
           WHEN n.state IN ('queued', 'claimed') AND n.epoch < q.epoch THEN 'canceled'
           WHEN n.state = 'claimed' THEN 'queued'
           ELSE n.state
       END AS status,
       n.result, greatest(0, sum(n.calls))::bigint AS calls
FROM call_count AS n
JOIN queue AS q ON q.deployment_id = n.deployment_id
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
