UPDATE dialer SET lease_until = '-infinity' WHERE id = %(dialer_id)s
