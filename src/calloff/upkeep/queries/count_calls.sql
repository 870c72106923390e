SELECT n.deployment_id,
       CASE
           WHEN n.state = 'queued' AND called_off_by(n.deployment_id, n.epoch) IS NOT NULL THEN 'canceled'
           ELSE n.state
       END AS status,
       n.result, greatest(0, sum(n.calls))::bigint AS calls
FROM call_count AS n
WHERE n.epoch >= -1
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3
