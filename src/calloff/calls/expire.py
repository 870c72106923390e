"""Ends the calls whose window has closed."""

from calloff.db.pool import Pool
from calloff.db.statements import load

_BATCH = 1000


async def expire(pool: Pool) -> int:
    """Fail every live call whose window has closed while it waited; returns how many."""
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "closing"))
        closing = [row["deployment_id"] for row in await cursor.fetchall()]
    return sum([await _expire_queue(pool, deployment_id) for deployment_id in closing])


async def _expire_queue(pool: Pool, deployment_id: int) -> int:
    total = 0
    while True:
        async with pool.connection() as connection:
            parameters = {"deployment_id": deployment_id, "limit": _BATCH}
            row = await (await connection.execute(load(__package__, "expire"), parameters)).fetchone()
        assert row is not None
        expired = int(row["value"])
        total += expired
        if expired < _BATCH:
            return total
