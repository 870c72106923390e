-- How many calls there are of each status and result, from the counters: no call is looked at.
SELECT CASE
           WHEN n.state IN ('queued', 'claimed') AND n.epoch < q.epoch THEN 'canceled'
           WHEN n.state = 'claimed' THEN 'queued'
           ELSE n.state
       END AS status,
       n.result, sum(n.calls)::bigint AS calls
FROM call_count AS n
JOIN queue AS q ON q.deployment_id = n.deployment_id
WHERE n.deployment_id = %(deployment_id)s
GROUP BY 1, 2
