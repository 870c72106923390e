"""The audit log: who changed what, when, and from where; in the console, over the API, or on the command line.

Queueing a single call is not a change in this sense: the call is its own record.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row
from psycopg_pool import PoolTimeout

from calloff.db.pool import Pool
from calloff.db.statements import load

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change."""

    id: int
    at: datetime
    user_email: str | None
    """None for the operator's command line."""
    origin: str
    action: str
    subject: str


async def record(
    pool: Pool, action: str, subject: str, *, account_id: int | None, user_id: int | None, origin: str
) -> None:
    """Write down that `action`, such as `call everything off`, was done to `subject`, such as `deployment 7`.

    `origin` is the interface and, if there is one, the client's address: `console 192.0.2.1`, `api 192.0.2.1`, `cli`.
    Neither text may hold a phone number, a key or a password. The change is done when this is called, and is not
    reported as failed because it could not be written down: that is logged as an error instead.
    """
    parameters = {"account_id": account_id, "user_id": user_id, "origin": origin, "action": action, "subject": subject}
    try:
        async with pool.connection() as connection:
            await connection.execute(load(__package__, "record_audit"), parameters)
    except (psycopg.Error, PoolTimeout):
        _log.exception("not in the audit log: %s to %r by user %s from %s", action, subject, user_id, origin)


async def list_audit(pool: Pool, account_id: int, *, limit: int, before: int | None = None) -> list[AuditEntry]:
    """At most `limit` changes in the account, newest first, of IDs below `before`."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(AuditEntry)) as cursor:
        await cursor.execute(
            load(__package__, "list_audit"), {"account_id": account_id, "limit": limit, "before": before or 2**62}
        )
        return await cursor.fetchall()
