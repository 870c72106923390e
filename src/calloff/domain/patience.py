"""How long a client that sends a list may keep us waiting: it holds one of few places meanwhile."""

STALL_SECONDS = 30.0
"""Seconds that a client may take to send, or to take in, the next piece."""
UPLOAD_SECONDS = 3600.0
"""Seconds within which a list has to be sent."""
_BEGINNING = 60.0
_SLOWEST = 4096
"""Bytes a second, after the beginning."""


def patience(received: int, waited: float) -> float:
    """Seconds to wait for the next piece, when `received` bytes have come and were waited for `waited` seconds in all.

    At most 0 if the client is too slow.
    """
    return min(STALL_SECONDS, UPLOAD_SECONDS - waited, _BEGINNING + received / _SLOWEST - waited)
