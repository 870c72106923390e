"""What every trunk offers to the dialer: one leg per attempt, its events in order, and its media.

The dialer holds a `Leg` for each attempt and reads `Leg.next_event()` until it gets an `Ended`, which is always the
last one. A trunk never decides whether to dial again, and never sends a second INVITE for a leg.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from calloff.domain.clock import boot_time as boot_time
from calloff.domain.errors import CalloffError
from calloff.domain.permits import AbandonedAttempt, Permit
from calloff.domain.results import CalleeType, Result

SAMPLE_RATE = 8000
"""Samples a second of all media: 16-bit signed little-endian, one channel."""
FRAME_BYTES = 320
"""One packet time (20 ms) of media."""


class TooLate(CalloffError):
    """`Permit.deadline` passed before the INVITE could leave, so none was sent."""


class TrunkUnavailable(CalloffError):
    """The trunk cannot place calls now (its stack is dead, full or draining); no INVITE was sent."""


@dataclass(frozen=True, slots=True)
class Ringing:
    """A provisional answer came (180 or 183)."""

    sip_code: int = 180


@dataclass(frozen=True, slots=True)
class Connected:
    """The far end answered; media may flow."""

    callee_type: CalleeType | None = None
    """Set by a trunk that knows who answered without listening; None leaves that to detection."""


@dataclass(frozen=True, slots=True)
class Digit:
    """The far end pressed a key: one of `0-9*#A-D`."""

    digit: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The leg is over. `result` is `ANSWERED` exactly if a `Connected` came before, unless it is `UNKNOWN`."""

    result: Result
    sip_code: int | None = None
    """The final SIP status code; None if the leg ended without one."""
    reason: str = ""
    """For logs and the call's history: a few words, without any phone number."""


LegEvent = Ringing | Connected | Digit | Ended


@dataclass(slots=True, eq=False)
class Leg:
    """One attempt on its way: its permit, the correlation key, and the events that came and were not read yet."""

    permit: Permit
    sip_call_id: str | None = None
    """The SIP Call-ID (RFC 3261 section 20.8), for logs; None on a trunk without SIP or before it is known."""
    dialog: Mapping[str, object] = field(default_factory=dict)
    """Set before `Connected`: what ends the call beside its identifiers, should this process die; kept with it."""
    _events: asyncio.Queue[LegEvent] = field(default_factory=asyncio.Queue)

    def publish(self, event: LegEvent) -> None:
        """Hand `event` to whoever follows the leg; for trunks only."""
        self._events.put_nowait(event)

    async def next_event(self) -> LegEvent:
        """The next event, waiting for it; nothing comes after `Ended`."""
        return await self._events.get()


class Trunk(Protocol):
    """A way out, used by one dialer process. Every method but `start` may be called in any state."""

    @property
    def ports(self) -> int:
        """How many legs this process can hold on the trunk at once."""
        ...

    @property
    def legs(self) -> int:
        """How many legs are up."""
        ...

    async def start(self) -> None:
        """Make ready to dial. Raises `TrunkUnavailable`."""
        ...

    async def stop(self) -> None:
        """Hang up what is left and let go of everything; a second call does nothing."""
        ...

    def sent_by(self) -> str | None:
        """What `DialogIds.sent_by` of the next attempt is to be."""
        ...

    async def dial(self, permit: Permit) -> Leg:
        """Send one INVITE and return at once. Raises `TooLate` or `TrunkUnavailable`: then none was sent."""
        ...

    async def hang_up(self, leg: Leg) -> None:
        """End the leg (CANCEL before the answer, BYE after it); its `Ended` follows. Harmless if it is over."""
        ...

    async def take_over(self, attempt: AbandonedAttempt) -> None:
        """End what a dead dialer left on this trunk (CANCEL before the answer, BYE after it); gives up by itself."""
        ...

    async def send_digits(self, leg: Leg, digits: str) -> None:
        """Send `0-9*#A-D` as RFC 4733 events, returning when they are sent; `,` `w` and `p` pause for a second."""
        ...

    def write(self, leg: Leg, pcm: bytes) -> int:
        """Queue media for the far end and return how many bytes were taken; 0 if the leg is not connected."""
        ...

    def flush(self, leg: Leg) -> None:
        """Drop the media that is queued and not sent yet."""
        ...

    def read(self, leg: Leg, max_bytes: int) -> bytes:
        """Media of the far end that came since the last read, `b""` if none."""
        ...
