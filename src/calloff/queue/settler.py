"""Writes down, after a cancel, what the cancel has already decided."""

import asyncio
from dataclasses import dataclass
from typing import Any

from calloff.db.pool import Pool
from calloff.db.statements import load

BATCH = 1000
"""Calls a transaction: small, so that claims never wait for the settler."""

_REST = 4.0
"""How much longer than a batch took the settler rests after it: most of the server stays free for those who dial."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sweep has come to. Starting over for every batch would wade through what it has settled already."""

    epoch: int = -1
    due_at: Any = "-infinity"
    call_id: int = 0


async def settle_canceled(pool: Pool) -> int:
    """Write down every canceled call of every deployment; returns how many calls that were."""
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "stale"))
        stale = [row["deployment_id"] for row in await cursor.fetchall()]
    return sum([await _sweep(pool, deployment_id) for deployment_id in stale])


async def _sweep(pool: Pool, deployment_id: int) -> int:
    total, place = 0, _Place()
    loop = asyncio.get_running_loop()
    while True:
        began_at = loop.time()
        async with pool.connection() as connection:
            cursor = await connection.execute(
                load(__package__, "settle_canceled"),
                {
                    "deployment_id": deployment_id,
                    "limit": BATCH,
                    "epoch": place.epoch,
                    "due_at": place.due_at,
                    "call_id": place.call_id,
                },
            )
            row = await cursor.fetchone()
            if row is None:
                await connection.execute(load(__package__, "fold_counts"), {"deployment_id": deployment_id})
                return total
        total += row["calls"]
        place = _Place(row["epoch"], row["due_at"], row["call_id"])
        if row["calls"] == BATCH:
            await asyncio.sleep(_REST * (loop.time() - began_at))
