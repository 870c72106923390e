"""Forgets what is old: calls that ended long ago, and idempotency keys that are out of date."""

import asyncio

from calloff.db.pool import Pool
from calloff.db.statements import load

RETENTION_DAYS = 90
"""Days that a call is kept after its end, unless the operator says otherwise."""
_BATCH = 1000
_REST = 0.05
"""Seconds between two batches: nobody waits for this work, and it should keep nobody waiting."""


async def forget_keys(pool: Pool) -> None:
    """Forget the idempotency keys that answer no repeat any more."""
    async with pool.connection() as connection:
        await connection.execute(load(__package__, "forget_keys"))


async def remove_old_calls(pool: Pool, days: int) -> int:
    """Remove the calls that ended more than `days` days ago, with their callbacks; returns how many. 0 days is never.

    Its cost grows with what it removes and with the old calls that are still pending, not with what is kept.
    """
    if days == 0:
        return 0
    total, place = 0, 0
    while True:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                load(__package__, "remove_old_calls"), {"after": place, "limit": _BATCH, "days": days}
            )
            row = await cursor.fetchone()
        assert row is not None
        total += int(row["removed"])
        if not row["goes_on"]:
            return total
        place = row["place"]
        await asyncio.sleep(_REST)
