"""Queues one call."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.errors import CheckViolation
from psycopg.types.json import Jsonb

from calloff.calls.hearing import check_hearing
from calloff.calls.idempotency import IdempotencyKey, earlier_call, in_progress
from calloff.db.certain import certainly
from calloff.db.pool import Connection, Pool
from calloff.db.statements import load
from calloff.domain.calls import NewCall
from calloff.domain.errors import Deleted, InvalidInput
from calloff.domain.schedule import Schedule

DELETED = "This application or deployment was deleted. Queue the call in another deployment."


async def submit(pool: Pool, deployment_id: int, call: NewCall) -> int:
    """Queue `call` in the deployment's present epoch and return its ID.

    A submit that overlaps a cancel may go either way; one that begins after the cancel has answered is never touched
    by it. Raises `InvalidInput` for a window that has closed or a variable that the message reads and the call lacks,
    `NoMessage`, `Deleted`, and `OutcomeUnknown` if the server did not
    confirm: then the call may or may not be queued.
    """
    async with certainly(pool) as connection:
        return await insert_call(connection, deployment_id, call)


async def submit_once(pool: Pool, call: NewCall, key: IdempotencyKey, fingerprint: bytes) -> int:
    """Queue `call` in the key's deployment unless a request with that key has done so, and return its ID.

    Raises `Conflict` while such a request is in progress, `KeyReused` if it asked for something else, or as `submit`.
    """
    async with certainly(pool) as connection, in_progress(connection, key):
        earlier = await earlier_call(connection, key, fingerprint)
        if earlier is not None:
            return earlier
        async with connection.transaction():
            call_id = await insert_call(connection, key.deployment_id, call)
            await connection.execute(
                load(__package__, "keep_key"), key.parameters(fingerprint=fingerprint, call_id=call_id)
            )
        return call_id


def schedule_parameters(schedule: Schedule) -> dict[str, Any]:
    """How statements name the parts of a schedule."""
    return {
        "start": schedule.start,
        "end": schedule.end,
        "max_attempts": schedule.max_attempts,
        "reattempt_wait": schedule.reattempt_wait,
    }


@contextmanager
def window_still_open() -> Iterator[None]:
    """Raises `InvalidInput` if calls are inserted whose window has closed since it was checked."""
    try:
        yield
    except CheckViolation as error:
        if error.diag.constraint_name != "closes_after_it_opens":
            raise
        raise InvalidInput(
            "end_timestamp is in the past. Give a time that is still to come.", field="end_timestamp"
        ) from error


async def insert_call(connection: Connection, deployment_id: int, call: NewCall) -> int:
    """The same as `submit` as a part of what else `connection` commits."""
    call.schedule.check(time.time())
    number = call.destination.understood()
    parameters = {
        "deployment_id": deployment_id,
        "number": number.digits,
        "country": number.country,
        "kind": number.kind,
        "zones": list(number.zones),
        "phone_number": call.destination.phone_number,
        "ani": call.destination.ani,
        "postd": call.destination.postd,
        "result_url": call.result_url,
        "is_pci": call.is_pci,
        "variables": Jsonb(dict(call.variables)) if call.variables else None,
        **schedule_parameters(call.schedule),
    }
    with window_still_open():
        row = await (await connection.execute(load(__package__, "submit"), parameters)).fetchone()
    if row is None:
        await check_hearing(connection, deployment_id, (call.variables or {}).keys())
        raise Deleted(DELETED)
    return int(row["id"])
