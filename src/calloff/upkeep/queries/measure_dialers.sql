SELECT id, name, ports, ports_in_use, latencies, dials FROM dialer WHERE lease_until > clock_timestamp() ORDER BY id
