"""Permits for tests that dial without a queue."""

from calloff.domain.permits import DialogIds, Permit
from calloff.trunks.base import boot_time


def permit(number: str, caller_id: str | None = None, *, ring: float = 30.0, within: float = 1.0) -> Permit:
    """A permit whose INVITE has to leave `within` seconds."""
    return Permit(0, 1, number, caller_id, ring, boot_time() + within, DialogIds.make())
