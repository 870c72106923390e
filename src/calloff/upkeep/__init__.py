"""What one dialer does for all: writing canceled calls down, leases, retention, counts and measurement."""
