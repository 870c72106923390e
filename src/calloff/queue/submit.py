"""Queues one call."""

from psycopg.types.json import Jsonb

from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.calls import NewCall
from calloff.domain.errors import Deleted


async def submit(pool: Pool, deployment_id: int, call: NewCall) -> int:
    """Queue `call` in the deployment's present epoch and return its ID.

    A submit that overlaps a cancel may go either way; one that begins after the cancel has answered is never touched
    by it. Raises `Deleted` if the deployment is no more.
    """
    destination, schedule = call.destination, call.schedule
    async with pool.connection() as connection:
        cursor = await connection.execute(
            load(__package__, "submit"),
            {
                "deployment_id": deployment_id,
                "phone_number": destination.phone_number,
                "ani": destination.ani,
                "postd": destination.postd,
                "start": schedule.start,
                "end": schedule.end,
                "max_attempts": schedule.max_attempts,
                "reattempt_wait": schedule.reattempt_wait,
                "result_url": call.result_url,
                "is_pci": call.is_pci,
                "variables": Jsonb(dict(call.variables)) if call.variables else None,
            },
        )
        row = await cursor.fetchone()
    if row is None:
        raise Deleted("This application or deployment was deleted. Queue the call in another deployment.")
    return int(row["id"])
