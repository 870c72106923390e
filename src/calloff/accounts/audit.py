"""The audit log: who changed what, when, and from where; in the console, over the API, or on the command line.

Queueing a single call is not a change in this sense: the call is its own record. So is a cancellation's row, which is
shown among the entries and not kept a second time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row

from calloff.db.pool import Connection, Pool
from calloff.db.statements import load
from calloff.domain.entries import Entry
from calloff.domain.errors import NotFound

_END = 10**18


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change, as an account is told of it."""

    at: datetime
    user_email: str | None
    """None for the operator."""
    origin: str
    """Without an address if it was the operator, in the console."""
    action: str
    subject: str
    changes: Mapping[str, Mapping[str, Any]]
    """Of each setting that changed, by name, its `old` and `new` value."""
    cursor: str
    """What comes after this entry is asked for with it."""


async def write_entry(connection: Connection, entry: Entry) -> None:
    """Write `entry` down, in the transaction that `connection` is in."""
    await connection.execute(load(__package__, "write_entry"), entry.parameters())


async def list_audit(pool: Pool, account_id: int, *, limit: int, before: str | None = None) -> list[AuditEntry]:
    """At most `limit` changes that concern the account or that its users made, newest first.

    `before` is the `cursor` of the last entry of the page before. Raises `NotFound` if it is none.
    """
    at, deployment_id, entry_id = _read_cursor(before)
    parameters = {"account_id": account_id, "limit": limit, "at": at, "deployment_id": deployment_id, "id": entry_id}
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(AuditEntry)) as cursor:
        await cursor.execute(load(__package__, "list_audit"), parameters)
        return await cursor.fetchall()


def _read_cursor(text: str | None) -> tuple[int, int, int]:
    if not text:
        return _END, _END, _END
    parts = text.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in parts):
        raise NotFound("There is no such page of the audit log. Begin at its first one.")
    at, deployment_id, entry_id = map(int, parts)
    return at, deployment_id, entry_id
