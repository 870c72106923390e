INSERT INTO dialer (name, ports, lease_until)
VALUES (%(name)s, %(ports)s, clock_timestamp() + make_interval(secs => %(lease)s))
RETURNING id
