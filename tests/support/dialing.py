"""A dialer inside the test, on a simulated trunk that tells what was dialed and when."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from calloff.db.pool import Pool
from calloff.dialer.loop import Dialer
from calloff.dialer.talk import Conversations
from calloff.domain.permits import AbandonedAttempt, Permit
from calloff.outbound.client import Client
from calloff.outbound.guard import Guard
from calloff.trunks.base import Leg, TooLate, Trunk
from calloff.trunks.simulated import SimulatedTrunk
from calloff.voice.applications import Applications
from calloff.voice.cache import AudioCache
from calloff.voice.expressions import Evaluator
from calloff.voice.prompts import Media
from calloff.voice.recordings import Recordings
from calloff.voice.speech import Speech
from calloff.voice.web import Web


@dataclass(slots=True, eq=False)
class TappedTrunk(SimulatedTrunk):
    """The simulated trunk, with a note of each attempt."""

    dialed: list[tuple[float, str]] = field(default_factory=list)
    """The monotonic time and the number of each attempt that left."""
    taken_over: list[AbandonedAttempt] = field(default_factory=list)
    too_late: list[str] = field(default_factory=list)
    most_at_once: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def dial(self, permit: Permit) -> Leg:
        """Dial, and note it."""
        try:
            # Not by super(): a dataclass with slots is a class made anew.
            leg = await SimulatedTrunk.dial(self, permit)
        except TooLate:
            self.too_late.append(permit.number)
            raise
        self.dialed.append((time.monotonic(), permit.number))
        self.most_at_once = max(self.most_at_once, len(self._lines))
        async with self.changed:
            self.changed.notify_all()
        return leg

    async def take_over(self, attempt: AbandonedAttempt) -> None:
        """Note it."""
        self.taken_over.append(attempt)

    async def wait_dialed(self, calls: int) -> None:
        """Wait until that many attempts have left."""
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: len(self.dialed) >= calls), 20)


@asynccontextmanager
async def dialing(
    pool: Pool,
    conninfo: str,
    trunk: Trunk,
    cache: Path,
    *,
    ports: int = 50,
    drain_timeout: float = 10,
    gate: asyncio.Event | None = None,
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A dialer that dials everything over `trunk`; yields what stops it and waits until it is drained.

    Until `gate` is set, calls are claimed and not started.
    """
    await trunk.start()
    audio = AudioCache(cache)
    client = Client(Guard())
    web = Web(client)
    media = Media(Speech.of_this_machine(audio), Recordings(audio, web), Evaluator(), web)
    stop = asyncio.Event()

    async def find_trunk(_trunk_id: int) -> Trunk:
        if gate is not None:
            await gate.wait()
        return trunk

    dialer = Dialer(
        pool,
        conninfo,
        find_trunk,
        Conversations(Applications(pool), media),
        name="test",
        ports=ports,
        drain_timeout=drain_timeout,
    )
    running = asyncio.create_task(dialer.run(stop))

    async def drain() -> None:
        stop.set()
        await running

    try:
        yield drain
    finally:
        await drain()
        await client.close()
        await media.evaluator.stop()
        await trunk.stop()
