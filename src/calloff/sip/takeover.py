"""The end of a call whose dialer died, from what was written with its start."""

from dataclasses import dataclass, field

from calloff.domain.permits import DialogIds
from calloff.sip.dialog import DialogState
from calloff.sip.events import Address
from calloff.sip.setup import Local, Timers


@dataclass(frozen=True, slots=True)
class TakeoverSetup:
    """What is known of the call."""

    identifiers: DialogIds
    request_uri: str
    from_uri: str
    local: Local
    """Where responses reach us now."""
    sent_by: str | None = None
    """`host:port` of the dead dialer's Via: a CANCEL only fits with it (RFC 3261 section 17.2.3); None takes ours."""
    dialog: DialogState | None = None
    """`Answered.dialog`, if it was kept: then a BYE goes out at once."""
    to_uri: str | None = None
    routes: tuple[str, ...] = ()
    to: Address | None = None
    timers: Timers = field(default_factory=Timers)


class Takeover:
    """Made by `UserAgent.take_over`; over with its `Ended`."""

    closed: bool
