"""What went over the wire for calls: written beside the calls, and never in their way."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from calloff.db.pool import Pool
from calloff.db.statements import load

MOST_WAITING = 5000
"""Traces that wait to be written; what comes beyond is dropped."""
_AT_ONCE = 200
_PAUSE = 1.0
"""Seconds after the database has failed."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AttemptTrace:
    """What is kept of one attempt."""

    attempt: int
    messages: bytes
    """As the trunk has packed them."""
    media: Mapping[str, float | None] | None
    """What the sound has counted; None if nothing is known of it."""


async def find_traces(pool: Pool, call_id: int) -> list[AttemptTrace]:
    """Those of a call, the first attempt first."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(AttemptTrace)) as cursor:
        await cursor.execute(load(__package__, "find_traces"), {"call_id": call_id})
        return await cursor.fetchall()


class TraceWriter:
    """Writes traces in batches, from a queue of bounded length."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: deque[tuple[int, AttemptTrace]] = deque()
        self._come = asyncio.Event()
        self._dropped = 0

    def put(self, call_id: int, trace: AttemptTrace) -> None:
        """Have a trace written soon; it is dropped if too many wait. Returns at once."""
        if len(self._waiting) >= MOST_WAITING:
            if not self._dropped:
                _log.warning("traces of calls are dropped: the database takes them too slowly")
            self._dropped += 1
            return
        self._waiting.append((call_id, trace))
        self._come.set()

    async def run(self) -> None:
        """Write what comes, until canceled; what cannot be written is dropped."""
        while True:
            await self._come.wait()
            self._come.clear()
            while self._waiting:
                await self._write_some()

    async def flush(self) -> None:
        """Write what waits, as far as the database takes it."""
        while self._waiting:
            await self._write_some()

    async def _write_some(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        rows = [
            {
                "call_id": call_id,
                "attempt": trace.attempt,
                "messages": trace.messages,
                "media": None if trace.media is None else Jsonb(trace.media),
            }
            for call_id, trace in batch
        ]
        try:
            async with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
                await cursor.executemany(load(__package__, "write_traces"), rows)
        except (psycopg.Error, PoolTimeout) as error:
            _log.warning("%d traces of calls were not written: %s", len(batch), type(error).__name__)
            await asyncio.sleep(_PAUSE)
            return
        if self._dropped:
            _log.warning("%d traces of calls were dropped", self._dropped)
            self._dropped = 0
