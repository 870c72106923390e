SELECT minute, result, sum(calls)::bigint AS calls
FROM ended_calls
WHERE deployment_id = %(deployment_id)s AND minute > now() - interval '1 hour'
GROUP BY 1, 2
