"""The sandbox: a trunk without a network, whose far ends do what the last four digits of their number say.

    0001 busy (486)      0003 declined (603)        0005 carrier error (503)     0007 a fax answers
    0002 no answer       0004 invalid number (404)  0006 an answering machine answers

Every other number is answered by a person. What happens, and when, depends on the number and the permit alone.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from calloff.domain.permits import AbandonedAttempt, Permit
from calloff.domain.results import CalleeType, Result, result_of_sip_code
from calloff.trunks.base import (
    SAMPLE_RATE,
    Connected,
    Ended,
    Leg,
    Ringing,
    TooLate,
    TrunkUnavailable,
    boot_time,
)
from calloff.trunks.dialstring import check_permit, parse_digits

RING_SECONDS = 1.0
"""How long a far end takes to answer or to refuse."""
NO_ANSWER_SECONDS = 3.0
"""How long the network lets a far end ring that never answers."""
TALK_SECONDS = 2.0
"""How long a far end stays on the line before it hangs up."""

_BYTES_PER_SECOND = SAMPLE_RATE * 2
_MEDIA_BUFFER = _BYTES_PER_SECOND // 2
_KEY_SECONDS = 0.26
_PAUSE_SECONDS = 1.0

_REFUSALS = {"0001": 486, "0003": 603, "0004": 404, "0005": 503}
_NO_ANSWER = "0002"
_RINGS_FIRST = frozenset({603})
_CALLEES = {"0006": CalleeType.ANSWERING_MACHINE, "0007": CalleeType.FAX}


@dataclass(slots=True)
class _Line:
    """What the trunk keeps of a leg that is not over. Times of the media are of `time.monotonic()`."""

    leg: Leg
    task: asyncio.Task[None] | None = None
    connected: bool = False
    played_until: float = 0.0
    heard_until: float = 0.0


@dataclass(slots=True, eq=False)
class SimulatedTrunk:
    """A `Trunk` that dials nobody. All times of a call are divided by `speed`, so that 2.0 is twice as fast."""

    speed: float = 1.0
    ports: int = 1000
    _lines: dict[Leg, _Line] = field(default_factory=dict)
    _running: bool = False

    @property
    def legs(self) -> int:
        """How many are up."""
        return len(self._lines)

    async def start(self) -> None:
        """Make ready to dial."""
        self._running = True

    async def stop(self) -> None:
        """Hang up what is left; a second call does nothing."""
        self._running = False
        for leg in list(self._lines):
            await self.hang_up(leg)

    def sent_by(self) -> None:
        """Nothing: there is no wire."""

    async def dial(self, permit: Permit) -> Leg:
        """Begin the scene that the number asks for. Raises `TooLate`, `TrunkUnavailable` or `InvalidInput`."""
        check_permit(permit)
        if not self._running:
            raise TrunkUnavailable("The simulated trunk is not running; start it before dialing.")
        if len(self._lines) >= self.ports:
            raise TrunkUnavailable("All ports of the simulated trunk are in use; wait for a call to end.")
        if boot_time() > permit.deadline:
            raise TooLate("The time in which this attempt had to leave is over; it was not dialed.")
        leg = Leg(permit)
        line = self._lines[leg] = _Line(leg)
        line.task = asyncio.create_task(self._play(line))
        return leg

    async def hang_up(self, leg: Leg) -> None:
        """End the leg, which then reads as answered, or as not answered if nobody had."""
        line = self._lines.get(leg)
        if line is None:
            return
        if line.task is not None:
            line.task.cancel()
        reason = "hung up by the dialer"
        self._end(
            line, Ended(Result.ANSWERED, 200, reason) if line.connected else Ended(Result.NO_ANSWER, None, reason)
        )

    async def take_over(self, attempt: AbandonedAttempt) -> None:
        """Nothing: who dialed nobody left nobody on the line."""

    async def send_digits(self, leg: Leg, digits: str) -> None:
        """Take as long as the digits would, and drop them. Raises `InvalidInput`; ends early with the leg."""
        for key in parse_digits(digits):
            if leg not in self._lines:
                return
            await self._sleep(_PAUSE_SECONDS if key is None else _KEY_SECONDS)

    def write(self, leg: Leg, pcm: bytes) -> int:
        """Take what fits into half a second of buffer, which empties as fast as a far end would listen."""
        line = self._lines.get(leg)
        if line is None or not line.connected:
            return 0
        now = time.monotonic()
        rate = _BYTES_PER_SECOND * self.speed
        waiting = max(0.0, line.played_until - now) * rate
        taken = max(0, min(len(pcm), int(_MEDIA_BUFFER - waiting))) & ~1
        line.played_until = max(line.played_until, now) + taken / rate
        return taken

    def flush(self, leg: Leg) -> None:
        """Empty the buffer, so that the next `write` is heard at once."""
        line = self._lines.get(leg)
        if line is not None:
            line.played_until = 0.0

    def read(self, leg: Leg, max_bytes: int) -> bytes:
        """The silence that passed since the last read, of which the newest half second is kept."""
        line = self._lines.get(leg)
        if line is None or not line.connected:
            return b""
        now = time.monotonic()
        rate = _BYTES_PER_SECOND * self.speed
        line.heard_until = max(line.heard_until, now - _MEDIA_BUFFER / rate)
        length = min(max_bytes, int((now - line.heard_until) * rate)) & ~1
        line.heard_until += length / rate
        return bytes(length)

    async def _play(self, line: _Line) -> None:
        for seconds, step in _scene(line.leg.permit):
            await self._sleep(seconds)
            if isinstance(step, Ended):
                self._end(line, step)
                return
            if isinstance(step, Connected):
                line.connected = True
                line.heard_until = time.monotonic()
            line.leg.publish(step)

    def _end(self, line: _Line, ended: Ended) -> None:
        del self._lines[line.leg]
        line.leg.publish(ended)

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


def _scene(permit: Permit) -> Iterator[tuple[float, Ringing | Connected | Ended]]:
    """What the far end does: after how many seconds, and what; the last step is `Ended`."""
    kind = permit.number[-4:]
    refusal = _REFUSALS.get(kind)
    decides_after = NO_ANSWER_SECONDS if kind == _NO_ANSWER else RING_SECONDS
    if refusal is None or refusal in _RINGS_FIRST:
        yield 0.0, Ringing()
    if permit.ring_timeout < decides_after:
        yield permit.ring_timeout, Ended(Result.NO_ANSWER, None, "ring timeout")
    elif refusal is not None:
        yield decides_after, Ended(result_of_sip_code(refusal), refusal, "refused by the far end")
    elif kind == _NO_ANSWER:
        yield decides_after, Ended(Result.NO_ANSWER, 480, "nobody answered")
    else:
        yield decides_after, Connected(_CALLEES.get(kind, CalleeType.VOICE))
        yield TALK_SECONDS, Ended(Result.ANSWERED, 200, "hung up by the far end")
