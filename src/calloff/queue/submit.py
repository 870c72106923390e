"""Queues one call."""

from psycopg.errors import CheckViolation
from psycopg.types.json import Jsonb

from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.calls import NewCall
from calloff.domain.errors import Deleted, InvalidInput
from calloff.queue.certain import certainly


async def submit(pool: Pool, deployment_id: int, call: NewCall) -> int:
    """Queue `call` in the deployment's present epoch and return its ID.

    A submit that overlaps a cancel may go either way; one that begins after the cancel has answered is never touched
    by it. Raises `Deleted` if the deployment is no more, `InvalidInput` if the window has closed by the database's
    clock, and `OutcomeUnknown` if the server did not confirm: then the call may or may not be queued.
    """
    destination, schedule = call.destination, call.schedule
    parameters = {
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
    }
    async with certainly(pool) as connection:
        try:
            row = await (await connection.execute(load(__package__, "submit"), parameters)).fetchone()
        except CheckViolation as error:
            if error.diag.constraint_name != "closes_after_it_opens":
                raise
            raise InvalidInput("end_timestamp is in the past. Give a time that is still to come.") from error
    if row is None:
        raise Deleted("This application or deployment was deleted. Queue the call in another deployment.")
    return int(row["id"])
