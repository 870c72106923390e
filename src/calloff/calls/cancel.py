"""Calls off what is pending: everything in a deployment, or one call. Also what stops and goes on: pause and resume."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from calloff.db.certain import call_certainly
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.entries import Entry, told
from calloff.domain.errors import NO_DEPLOYMENT, NotFound, NotPending


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The receipt of one cancel."""

    epoch: int
    """Counts the cancels of the deployment, from 1."""
    canceled_at: datetime
    canceled_by: str | None
    """E-mail address of the user; None for the operator's command line."""
    origin: str
    """From where: the interface and, if there is one, the client's address."""
    canceled_calls: int
    """How many calls it called off, those included that the settler has yet to write down."""
    settled_calls: int
    """How many of them the settler has written down."""
    hangs_up: bool
    """Whether it also ended what was dialing or connected."""


async def cancel_pending(
    pool: Pool, deployment_id: int, *, user_id: int | None, origin: str, hangs_up: bool = False
) -> int:
    """Call off every pending call of the deployment; when this returns, none of them is ever dialed.

    With `hangs_up`, dialers end what is dialing or connected as well, as soon as they hear of it.

    Costs one commit at any depth of the queue, and always writes, also when nothing waits. Returns the new epoch.
    Raises `NotFound`, or `OutcomeUnknown` if the server did not confirm: then it has to be asked for again.
    """
    epoch = await call_certainly(
        pool,
        load(__package__, "cancel"),
        {"deployment_id": deployment_id, "user_id": user_id, "origin": origin, "hangs_up": hangs_up},
    )
    if epoch is None:
        raise NotFound(NO_DEPLOYMENT)
    return int(epoch)


async def cancel_call(pool: Pool, deployment_id: int, call_id: int, entry: Entry | None = None) -> None:
    """Call off one call, and write `entry` in the same statement.

    Raises `NotPending` if it is dialing, connected or over, and `OutcomeUnknown` as above.
    """
    parameters = {"deployment_id": deployment_id, "call_id": call_id, **told(entry)}
    if not await call_certainly(pool, load(__package__, "cancel_call"), parameters):
        raise NotPending("The call is not pending any more, so it cannot be canceled. Read its status.")


async def pause(pool: Pool, deployment_id: int, entry: Entry | None = None) -> None:
    """Start nothing more in the deployment until `resume`; what is dialing or connected goes on.

    Writes `entry` in the same statement. Raises `OutcomeUnknown` as above.
    """
    await _pause(pool, deployment_id, entry, paused=True)


async def resume(pool: Pool, deployment_id: int, entry: Entry | None = None) -> None:
    """Undo `pause`; what is due starts at once."""
    await _pause(pool, deployment_id, entry, paused=False)


async def _pause(pool: Pool, deployment_id: int, entry: Entry | None, *, paused: bool) -> None:
    parameters = {"deployment_id": deployment_id, "paused": paused, **told(entry)}
    await call_certainly(pool, load(__package__, "pause"), parameters)


async def list_cancellations(
    pool: Pool, deployment_id: int, *, limit: int, before: int | None = None
) -> list[Cancellation]:
    """At most `limit` receipts of the deployment, newest first, of epochs below `before`."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(Cancellation)) as cursor:
        await cursor.execute(
            load(__package__, "list_cancellations"),
            {"deployment_id": deployment_id, "limit": limit, "before": before or 2**62},
        )
        return await cursor.fetchall()
