-- How many calls there are of each status and result, from the counters: no call is looked at.
SELECT CASE
           WHEN n.state = 'queued' AND called_off_by(n.deployment_id, n.epoch) IS NOT NULL THEN 'canceled'
           ELSE n.state
       END AS status,
       n.result, sum(n.calls)::bigint AS calls
FROM call_count AS n
WHERE n.deployment_id = %(deployment_id)s AND n.epoch >= -1
GROUP BY 1, 2
