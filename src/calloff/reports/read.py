"""Looks at calls without moving them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from psycopg.rows import DictRow

from calloff.db.pool import Pool
from calloff.db.statements import load

STATUSES = ("queued", "dialing", "connected", "completed", "failed", "canceled")
"""What a call's status can read, in the order of its life (contract, *Status*)."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a call."""

    name: str
    """One of `queued`, `dialing`, `connected`, `disconnected`, `failed`, `expired`, `canceled`."""
    timestamp: float
    """Unix seconds."""
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CallStatus:
    """A call as its readers see it: a pending call that was called off is `canceled` at once."""

    call_id: int
    deployment_id: int
    status: str
    phone_number: str
    ani: str | None
    postd: str | None
    start_at: datetime
    end_at: datetime | None
    max_attempts: int
    attempts: int
    reattempt_wait: int | None
    result_url: str | None
    is_pci: bool
    variables: Mapping[str, str]
    queued_at: datetime
    connected_at: datetime | None
    ended_at: datetime | None
    result: str | None
    sip_code: int | None
    callee_type: str | None
    collected: Mapping[str, str]
    events: Sequence[Event]

    @property
    def duration(self) -> float | None:
        """Seconds between the answer and the end; None unless both have been."""
        if self.connected_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.connected_at).total_seconds()

    @classmethod
    def from_row(cls, row: DictRow) -> Self:
        """A call out of a row of the view `call_status`."""
        events = [Event("queued", _as_stored(row["queued_at"]), {})]
        for stored in row["events"]:
            details = {key: value for key, value in stored.items() if key not in ("event", "timestamp")}
            events.append(Event(stored["event"], stored["timestamp"], details))
        if row["called_off_at"] is not None:
            events.append(Event("canceled", _as_stored(row["called_off_at"]), {}))
        return cls(
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
    return CallStatus.from_row(row) if row else None


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
        return [CallStatus.from_row(row) for row in await cursor.fetchall()]
