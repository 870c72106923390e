"""Looks at calls without moving them."""

from collections.abc import Sequence
from datetime import datetime

from psycopg.rows import DictRow

from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.calls import STATUSES, CallStatus, Event


def call_from_row(row: DictRow) -> CallStatus:
    """A call out of a row of the view `call_status`."""
    events = [Event("queued", _as_stored(row["queued_at"]), {})]
    for stored in row["events"]:
        details = {key: value for key, value in stored.items() if key not in ("event", "timestamp")}
        events.append(Event(stored["event"], stored["timestamp"], details))
    if row["called_off_at"] is not None:
        events.append(Event("canceled", _as_stored(row["called_off_at"]), {}))
    return CallStatus(
        call_id=row["id"],
        variables=row["variables"] or {},
        collected=row["collected"] or {},
        ended_at=row["ended_at"] or row["called_off_at"],
        events=events,
        **{name: row[name] for name in _COLUMNS},
    )


def _as_stored(moment: datetime) -> float:
    """Unix seconds as `event` in the database rounds them, so that the settler changes nothing that was read before."""
    return round(moment.timestamp(), 3)


_COLUMNS = (
    "deployment_id",
    "status",
    "phone_number",
    "ani",
    "postd",
    "start_at",
    "end_at",
    "max_attempts",
    "attempts",
    "reattempt_wait",
    "result_url",
    "is_pci",
    "queued_at",
    "connected_at",
    "result",
    "sip_code",
    "callee_type",
)


async def find_call(pool: Pool, call_id: int) -> CallStatus | None:
    """The call with that ID, in whatever deployment it is."""
    async with pool.connection() as connection:
        row = await (await connection.execute(load(__package__, "find_call"), {"call_id": call_id})).fetchone()
    return call_from_row(row) if row else None


async def list_calls(
    pool: Pool, deployment_id: int, *, limit: int, before: int | None = None, statuses: Sequence[str] = STATUSES
) -> list[CallStatus]:
    """At most `limit` calls of the deployment with one of `statuses`, newest first, of IDs below `before`."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            load(__package__, "list_calls"),
            {
                "deployment_id": deployment_id,
                "limit": limit,
                "before": before or 2**62,
                "statuses": list(statuses),
            },
        )
        return [call_from_row(row) for row in await cursor.fetchall()]
