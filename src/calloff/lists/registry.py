"""What was uploaded, as lists: how far each is, and what stops one and lets it go on."""

from typing import Any

from psycopg.rows import DictRow

from calloff.db.certain import call_certainly
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.call_lists import CallList, ListCancellation
from calloff.domain.codes import Code, Said
from calloff.domain.entries import Entry, told
from calloff.domain.errors import NotFound

NO_LIST = Said(Code.LIST_NOT_FOUND, "No list was found by that list id.")


def _from_row(row: DictRow) -> CallList:
    calls: dict[str, int] = dict(row["calls"])
    waiting = calls.pop("queued", 0)
    in_progress = calls.pop("dialing", 0) + calls.pop("connected", 0)
    cancellation = None
    if row["is_own"] is not None:
        cancellation = ListCancellation(row["canceled_at"], row["canceled_by"], row["canceled_from"], row["is_own"])
    names = ("list_id", "application_id", "deployment_id", "name", "state", "queued_at", "queued_by", "origin")
    return CallList(
        **{name: row[name] for name in (*names, "sha256", "accepted", "rejected", "ended_at")},
        columns=tuple(row["columns"]),
        waiting=waiting,
        in_progress=in_progress,
        results=dict(sorted(calls.items())),
        cancellation=cancellation,
    )


async def find_list(pool: Pool, list_id: int) -> CallList | None:
    """The list with that ID, in whatever deployment it is."""
    found = await _find(pool, list_id=list_id, limit=1)
    return found[0] if found else None


async def find_lists(
    pool: Pool,
    *,
    limit: int,
    before: int | None = None,
    deployment_id: int | None = None,
    account_id: int | None = None,
    user_id: int | None = None,
    is_administrator: bool = True,
) -> list[CallList]:
    """At most `limit` lists, newest first, of IDs below `before`.

    Of one deployment; or with `account_id` those of the account that the user may view.
    """
    return await _find(
        pool,
        limit=limit,
        before=before,
        deployment_id=deployment_id,
        account_id=account_id,
        user_id=user_id,
        is_administrator=is_administrator,
    )


async def _find(pool: Pool, *, limit: int, before: int | None = None, **given: Any) -> list[CallList]:
    nothing = dict.fromkeys(("list_id", "deployment_id", "account_id", "user_id", "is_administrator"))
    parameters = {**nothing, **given, "limit": limit, "before": before or 2**62}
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "find_lists"), parameters)
        return [_from_row(row) for row in await cursor.fetchall()]


async def cancel_list(pool: Pool, of: CallList, *, user_id: int | None, origin: str) -> None:
    """Call off every pending call of the list; when this returns, none of them is ever dialed.

    Costs one commit at any length, touches nothing else of the deployment, and is its own record. Whatever called the
    list off first stays what called it off. Raises `OutcomeUnknown`: then it has to be asked for again.
    """
    where = {"deployment_id": of.deployment_id, "list_id": of.list_id, "user_id": user_id, "origin": origin}
    if await call_certainly(pool, load(__package__, "cancel_list"), where) is None:
        raise NotFound(NO_LIST)


async def pause_list(pool: Pool, of: CallList, entry: Entry | None = None, *, paused: bool) -> None:
    """Start nothing more of the list, or let it go on; writes `entry` with it. Raises `OutcomeUnknown`."""
    where = {"deployment_id": of.deployment_id, "list_id": of.list_id, "paused": paused, **told(entry)}
    await call_certainly(pool, load(__package__, "pause_list"), where)
