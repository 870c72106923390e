SELECT nextval(pg_get_serial_sequence('call', 'id')) AS id FROM generate_series(1, %(calls)s)
