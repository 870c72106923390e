"""The outbox: callbacks that wait, are being delivered, were delivered, or were given up."""

from dataclasses import dataclass

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


def _key(callback: DueCallback) -> dict[str, int]:
    return {
        "call_id": callback.call_id,
        "deployment_id": callback.deployment_id,
        "attempts": callback.attempts,
    }
