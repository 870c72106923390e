"""The outbox: callbacks that wait, are being delivered, were delivered, or were given up."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from calloff.db.pool import Pool
from calloff.db.statements import load

LEASE = 60.0
"""Seconds after which a callback that somebody took and neither delivered nor failed is due again."""


@dataclass(frozen=True, slots=True)
class DueHost:
    """A host that a callback is due for."""

    host: str
    """With its port."""
    account_id: int
    """Whose callback has waited longest for it."""


@dataclass(frozen=True, slots=True)
class DueCallback:
    """A callback to deliver now."""

    call_id: int
    deployment_id: int
    attempts: int
    """Which attempt this is, from 1; only who holds the latest one may mark it."""
    failures: int
    """How many attempts were answered with a failure, or not at all; one whose process died is not among them."""
    callback_format: str


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback as the operator sees it."""

    call_id: int
    deployment_id: int
    host: str
    created_at: datetime
    attempts: int
    next_attempt_at: datetime
    delivered_at: datetime | None
    gave_up_at: datetime | None
    last_status: int | None
    """The HTTP status of the last attempt; None if there was no answer."""
    last_error: str | None


async def due_hosts(pool: Pool) -> list[DueHost]:
    """Every host that a callback is due for."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(DueHost)) as cursor:
        await cursor.execute(load(__package__, "due_hosts"))
        return await cursor.fetchall()


async def claim_callbacks(pool: Pool, host: str, limit: int) -> list[DueCallback]:
    """At most `limit` due callbacks of the host, the ones that have waited longest; nobody else gets them meanwhile."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(DueCallback)) as cursor:
        await cursor.execute(load(__package__, "claim_callbacks"), {"host": host, "limit": limit, "lease": LEASE})
        return await cursor.fetchall()


async def mark_delivered(pool: Pool, callback: DueCallback, status: int) -> None:
    """The host took it."""
    async with pool.connection() as connection:
        await connection.execute(load(__package__, "mark_delivered"), {**_key(callback), "status": status})


async def mark_failed(pool: Pool, callback: DueCallback, *, status: int | None, error: str, wait: float | None) -> None:
    """It failed; it is due again after `wait` seconds, or given up if that is None."""
    async with pool.connection() as connection:
        await connection.execute(
            load(__package__, "mark_failed"), {**_key(callback), "status": status, "error": error, "wait": wait}
        )


async def list_callbacks(
    pool: Pool, deployment_id: int, *, limit: int, before: int | None = None, undelivered: bool = False
) -> list[Callback]:
    """At most `limit` callbacks of the deployment, of the newest calls below `before` first."""
    parameters = {
        "deployment_id": deployment_id,
        "limit": limit,
        "before": before or 2**62,
        "undelivered": undelivered,
    }
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(Callback)) as cursor:
        await cursor.execute(load(__package__, "list_callbacks"), parameters)
        return await cursor.fetchall()


async def redeliver(pool: Pool, deployment_id: int, call_id: int | None = None) -> int:
    """Make the call's callback due now, or all of the deployment that were given up; returns how many."""
    async with pool.connection() as connection:
        cursor = await connection.execute(
            load(__package__, "redeliver"), {"deployment_id": deployment_id, "call_id": call_id}
        )
        return cursor.rowcount


def _key(callback: DueCallback) -> dict[str, int]:
    return {
        "call_id": callback.call_id,
        "deployment_id": callback.deployment_id,
        "attempts": callback.attempts,
    }
