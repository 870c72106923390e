"""A trunk whose far end is the test itself: it presses keys, speaks, hangs up, and hears what was played to it."""

import asyncio
import time
from dataclasses import dataclass, field

from calloff.domain.permits import AbandonedAttempt, Permit
from calloff.domain.results import CalleeType, Result
from calloff.trunks.base import SAMPLE_RATE, Connected, Digit, Ended, Leg, TrunkUnavailable

_RATE = SAMPLE_RATE * 2


@dataclass(slots=True, eq=False)
class LoopbackTrunk:
    """A `Trunk` of one port, on which every call is answered at once; media takes the time that it lasts."""

    callee_type: CalleeType | None = CalleeType.VOICE
    ports: int = 1
    longest_queue: float = 0.0
    """Seconds of media that ever waited to be sent."""
    leg: Leg | None = None
    connected: bool = False
    _taken: bytes = b""
    _played_until: float = 0.0
    _said: bytes = b""
    _written: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Nothing to make ready."""

    async def stop(self) -> None:
        """Hang up."""
        if self.leg is not None:
            await self.hang_up(self.leg)

    @property
    def legs(self) -> int:
        """One, or none."""
        return int(self.connected)

    def sent_by(self) -> None:
        """Nothing: there is no wire."""

    async def dial(self, permit: Permit) -> Leg:
        """Answer at once."""
        if self.connected:
            raise TrunkUnavailable("The loopback trunk has one port; wait for its call to end.")
        self.leg = Leg(permit)
        self.connected = True
        self.leg.publish(Connected(self.callee_type))
        return self.leg

    async def hang_up(self, leg: Leg) -> None:
        """End the leg."""
        if self.connected:
            self.connected = False
            leg.publish(Ended(Result.ANSWERED, 200))

    async def take_over(self, attempt: AbandonedAttempt) -> None:
        """Nothing was left."""

    async def send_digits(self, leg: Leg, digits: str) -> None:
        """Nobody listens for keys."""

    def write(self, leg: Leg, pcm: bytes) -> int:
        """Take at most half a second ahead."""
        if not self.connected:
            return 0
        now = time.monotonic()
        waiting = max(0.0, self._played_until - now)
        taken = max(0, min(len(pcm), int((0.5 - waiting) * _RATE))) & ~1
        self._played_until = max(now, self._played_until) + taken / _RATE
        self.longest_queue = max(self.longest_queue, self._played_until - now)
        self._taken += pcm[:taken]
        self._written.set()
        return taken

    def flush(self, leg: Leg) -> None:
        """Forget what was not played yet."""
        unplayed = int(max(0.0, self._played_until - time.monotonic()) * _RATE) & ~1
        self._taken = self._taken[: len(self._taken) - unplayed]
        self._played_until = time.monotonic()

    def read(self, leg: Leg, max_bytes: int) -> bytes:
        """What the far end said since."""
        said, self._said = self._said[:max_bytes], self._said[max_bytes:]
        return said

    @property
    def heard(self) -> bytes:
        """What was played to the far end and not flushed."""
        return self._taken

    def press(self, keys: str) -> None:
        """The far end presses keys."""
        assert self.leg is not None
        for key in keys:
            self.leg.publish(Digit(key))

    def say(self, pcm: bytes) -> None:
        """The far end speaks."""
        self._said += pcm

    async def hears(self, sound: bytes) -> None:
        """Wait until the far end hears, or is about to hear, something with `sound` in it."""
        while sound not in self._taken:
            self._written.clear()
            await self._written.wait()
