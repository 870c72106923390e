"""Which calls that ring or talk a cancel wants ended, too."""

from collections.abc import Collection

from calloff.db.pool import Pool
from calloff.db.statements import load

CHANNEL = "calloff_hang_up"
"""Where a cancel that hangs up is told of as it commits: `DEPLOYMENT_ID EPOCH`."""


async def find_hang_ups(pool: Pool, deployment_ids: Collection[int]) -> dict[int, int]:
    """For each of the deployments that has one, the epoch of its last cancel that hangs up: what is older ends."""
    if not deployment_ids:
        return {}
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "hang_ups"), {"deployment_ids": list(deployment_ids)})
        return {row["deployment_id"]: row["epoch"] for row in await cursor.fetchall()}


def parse_hang_up(payload: str) -> tuple[int, int]:
    """The deployment and the epoch of a notification on `CHANNEL`."""
    deployment_id, epoch = payload.split()
    return int(deployment_id), int(epoch)
