"""The audit log: who changed what, when, and from where; in the console, over the API, or on the command line.

Queueing a single call is not a change in this sense: the call is its own record. So is a cancellation's row, which is
shown among the entries and not kept a second time.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg_pool import PoolTimeout

from calloff.db.pool import Connection, Pool
from calloff.db.statements import load
from calloff.domain.entries import Entry
from calloff.domain.errors import NotFound

_END = 10**18
_log = logging.getLogger(__name__)


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


async def record(
    pool: Pool, action: str, subject: str, *, account_id: int | None, user_id: int | None, origin: str
) -> None:
    """Write down that `action`, such as `call everything off`, was done to `subject`, such as `deployment 7`.

    `origin` is the interface and, if there is one, the client's address: `console 192.0.2.1`, `api 192.0.2.1`,
    `command line`. Neither text may hold a phone number, a key or a password. The change is done when this is called,
    and is not reported as failed because it could not be written down: that is logged as an error instead.
    """
    await _write(pool, action, subject, origin, {"account_id": account_id, "user_id": user_id})


async def record_by_operator(pool: Pool, action: str, result: object, *, origin: str) -> None:
    """Write down that the operator did `action`, with the record that came of it, in the account that it belongs to."""
    kind, result_id = type(result).__name__, getattr(result, "id", None)
    parameters = {
        "account_id": result_id if kind == "Account" else getattr(result, "account_id", None),
        "of_user_id": getattr(result, "user_id", None),
        "of_application_id": getattr(result, "application_id", None),
    }
    names = {"AccountUser": "user", "NewKey": "key", "DeveloperKey": "key", "TrunkRecord": "trunk"}
    subject = f"{names.get(kind, kind.lower())} {result_id}" if result_id is not None else ""
    subject = getattr(result, "subject", subject)
    await _write(pool, action, subject, origin, parameters)


async def _write(pool: Pool, action: str, subject: str, origin: str, more: Mapping[str, object]) -> None:
    parameters = {"account_id": None, "user_id": None, "of_user_id": None, "of_application_id": None, **more}
    parameters |= {"origin": origin, "action": action, "subject": subject}
    try:
        async with pool.connection() as connection:
            await connection.execute(load(__package__, "record_audit"), parameters)
    except (psycopg.Error, PoolTimeout):
        _log.error("not in the audit log: %s, %s, by user %s from %s", action, subject, parameters["user_id"], origin)


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
