"""Permits for tests that dial without a queue."""

from calloff.domain.permits import Permit
from calloff.trunks.base import boot_time


def permit(number: str, caller_id: str | None = None, *, ring: float = 30.0, within: float = 1.0) -> Permit:
    """A permit whose INVITE has to leave `within` seconds."""
    return Permit.for_test_call(number, caller_id, ring_timeout=ring, deadline=boot_time() + within)
