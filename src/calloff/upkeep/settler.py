"""Writes down, after a cancel, what the cancel has already decided."""

import asyncio
from dataclasses import dataclass
from typing import Any, NamedTuple

from calloff.db.pool import Pool
from calloff.db.statements import load

BATCH = 1000
"""Calls a transaction: small, so that claims never wait for the settler."""

_REST = 4.0
"""How much longer than a batch took the settler rests after it: most of the server stays free for those who dial."""


class _Lane(NamedTuple):
    """The calls of a deployment that one cancel has called off together."""

    deployment_id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sweep has come to. Starting over for every batch would wade through what it has settled already."""

    due_at: Any = "-infinity"
    call_id: int = 0


async def settle_canceled(pool: Pool) -> int:
    """Write down every canceled call of every deployment; returns how many calls that were.

    A batch of each lane in turn, also of those that are canceled meanwhile: a deep one holds nobody else up.
    """
    total = 0
    places: dict[_Lane, _Place] = {}
    while True:
        settled = 0
        for lane in sorted({*await _stale(pool), *places}):
            calls, place = await _settle_batch(pool, lane, places.pop(lane, _Place()))
            settled += calls
            if place is not None:
                places[lane] = place
        if not settled and not places:
            await _end_lists(pool)
            return total
        total += settled


async def _stale(pool: Pool) -> list[_Lane]:
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "stale"))
        return [_Lane(row["deployment_id"], row["epoch"]) for row in await cursor.fetchall()]


async def _end_lists(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute(load(__package__, "end_lists"))


async def _settle_batch(pool: Pool, lane: _Lane, place: _Place) -> tuple[int, _Place | None]:
    """The calls of one batch, and the place that it came to; None at the end."""
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    async with pool.connection() as connection:
        cursor = await connection.execute(
            load(__package__, "settle_canceled"),
            {
                "deployment_id": lane.deployment_id,
                "epoch": lane.epoch,
                "limit": BATCH,
                "due_at": place.due_at,
                "call_id": place.call_id,
            },
        )
        row = await cursor.fetchone()
        if row is None:
            await connection.execute(load(__package__, "fold_counts"), {"deployment_id": lane.deployment_id})
            return 0, None
    if row["calls"] == BATCH:
        await asyncio.sleep(_REST * (loop.time() - began_at))
    return row["calls"], _Place(row["due_at"], row["call_id"])
