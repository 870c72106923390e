"""Takes back the calls of dialers that died."""

from calloff.db.pool import Pool
from calloff.db.statements import load

LEASE = 10.0
"""Seconds that a dialer may be silent; then its calls are taken away from it."""


async def rescue(pool: Pool) -> int:
    """Forget the dialers whose lease is over and take back what they held; returns how many calls that were.

    What was claimed is queued again without using up an attempt. What was dialing or connected ends as `unknown`, or
    waits for another attempt if the deployment says so. A call that was claimed a lease ago and never started is taken
    back too, also from a dialer that is well: the answer to its claim was lost.
    """
    async with pool.connection() as connection:
        row = await (await connection.execute(load(__package__, "rescue"), {"patience": LEASE})).fetchone()
    assert row is not None
    return int(row["value"])
