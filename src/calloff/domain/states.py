"""The states of a call, and which of them are pending, held by a dialer, or over (drawn in docs/architecture.md)."""

from enum import StrEnum


class CallState(StrEnum):
    """Where a call is in its life, as the `state` column of `call` stores it.

    `CLAIMED` is shown to callers as `queued`. A pending call whose epoch is behind its queue's is shown as `canceled`
    from the moment the cancel commits, before the settler has written it down.
    """

    QUEUED = "queued"
    """Waits: for its window, for a free port, or for another attempt."""
    CLAIMED = "claimed"
    """Handed to a dialer, which has not started it: still pending, nothing has left for the far end."""
    DIALING = "dialing"
    """Started: the point of no return. One INVITE has left, or is about to."""
    CONNECTED = "connected"
    """The far end answered."""
    COMPLETED = "completed"
    """Was connected and has ended."""
    FAILED = "failed"
    """Out of attempts, out of its window, or of a result that is never tried again."""
    CANCELED = "canceled"
    """Called off while it was pending."""


PENDING = frozenset({CallState.QUEUED, CallState.CLAIMED})
"""What a cancel calls off."""
HELD = frozenset({CallState.CLAIMED, CallState.DIALING, CallState.CONNECTED})
"""What occupies a port of a dialer."""
FINAL = frozenset({CallState.COMPLETED, CallState.FAILED, CallState.CANCELED})
"""What never changes again."""
