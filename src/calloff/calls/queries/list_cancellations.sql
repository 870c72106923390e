SELECT x.epoch, x.canceled_at, x.origin, u.email AS canceled_by, x.settled_calls, x.hangs_up,
       x.settled_calls + greatest(0, coalesce(left_over.calls, 0))::bigint AS canceled_calls
FROM cancellation AS x
LEFT JOIN account_user AS u ON u.id = x.user_id
LEFT JOIN LATERAL (
    SELECT sum(n.calls) AS calls FROM call_count AS n
    WHERE n.deployment_id = x.deployment_id AND n.state = 'queued'
      AND (n.epoch = x.epoch - 1 OR (n.epoch >= base_list_epoch() AND called_off_by(n.deployment_id, n.epoch) = x.epoch))
) AS left_over ON true
WHERE x.deployment_id = %(deployment_id)s AND x.epoch < least(%(before)s, base_list_epoch())
ORDER BY x.epoch DESC
LIMIT %(limit)s
