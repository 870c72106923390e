-- Also a late renewal counts, as long as nobody has taken the calls away: after an outage of the database, every
-- lease is over and every dialer is well.
UPDATE dialer
SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s),
    ports_in_use = %(ports_in_use)s, latencies = coalesce(%(latencies)s, latencies),
    dials = coalesce(%(dials)s, dials)
WHERE id = %(dialer_id)s
RETURNING id
