"""Calloff: a self-hosted outbound calling service whose calls can all be called off at once."""
