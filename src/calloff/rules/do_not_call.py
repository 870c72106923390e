"""Lists of numbers that are not to be called: the operator's, an account's, an application's."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from calloff.db.certain import call_certainly, confirmed
from calloff.db.pool import Pool, open_connection
from calloff.db.statements import load
from calloff.domain.entries import Entry, told
from calloff.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose list it is, and so for which calls it holds."""

    account_id: int = 0
    """0 for the operator's, which holds for every account."""
    application_id: int = 0
    """0 for all applications of the account."""


@dataclass(frozen=True, slots=True)
class Reason:
    """How it is known that somebody is not to be called."""

    source: str
    """In a few words: `told an agent`, `pressed 9`, `national list`."""
    evidence: str | None = None
    """Where it can be looked up: a call, a file."""
    ends_at: datetime | None = None
    """When it is over; None for good."""

    def __post_init__(self) -> None:
        """Refuse what cannot be kept."""
        for name, text in (("source", self.source), ("evidence", self.evidence or "-")):
            if not text.strip() or len(text) > 200 or not text.isprintable():
                raise InvalidInput(f"{name} is empty, longer than 200 characters or not printable.", field=name)


@dataclass(frozen=True, slots=True)
class ForbiddenNumber:
    """An entry of such a list."""

    account_id: int
    application_id: int
    source: str
    evidence: str | None
    origin: str
    """The door by which it came, and from where."""
    added_at: datetime
    ends_at: datetime | None


async def forbid(pool: Pool, scope: Scope, digits: int, reason: Reason, entry: Entry) -> bool:
    """Put a number on a list; once this returns, no start dials it where the list holds. Writes `entry`, too.

    Returns whether something changed: an entry that holds as long or longer is left as it is. Raises `OutcomeUnknown`:
    then it has to be asked for again.
    """
    parameters = {**_parameters(scope, reason), "numbers": [digits], **told(entry)}
    return bool(await call_certainly(pool, load(__package__, "forbid"), parameters))


async def allow(pool: Pool, scope: Scope, digits: int, entry: Entry) -> bool:
    """Take a number off a list, and say whether it was on it. Raises `OutcomeUnknown`."""
    parameters = {"list_account": scope.account_id, "application_id": scope.application_id, "number": digits}
    return bool(await call_certainly(pool, load(__package__, "allow"), {**parameters, **told(entry)}))


async def find_forbidden(pool: Pool, account_id: int, digits: int) -> list[ForbiddenNumber]:
    """The entries of a number in the operator's list and in those of the account; 0 for the operator's alone."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(ForbiddenNumber)) as cursor:
        await cursor.execute(load(__package__, "find_forbidden"), {"list_account": account_id, "number": digits})
        return await cursor.fetchall()


async def import_forbidden(pool: Pool, scope: Scope, batches: Iterable[list[int]], reason: Reason, entry: Entry) -> int:
    """Put many numbers on a list in one commit, and return how many entries changed. Writes `entry`, too.

    The numbers are staged by COPY first. Starts go on meanwhile; they wait for the commit alone. Raises
    `OutcomeUnknown`: then all of it is on the list, or nothing; importing it again does no harm.
    """
    conninfo = pool.conninfo
    assert isinstance(conninfo, str)
    async with await open_connection(conninfo) as connection:
        await connection.execute(load(__package__, "create_import"))
        async with connection.cursor() as cursor, cursor.copy(load(__package__, "copy_import")) as copy:
            for batch in batches:
                await copy.write("".join(f"{digits}\n" for digits in batch))
        async with confirmed(connection):
            parameters = {**_parameters(scope, reason), **told(entry)}
            row = await (await connection.execute(load(__package__, "import_forbidden"), parameters)).fetchone()
    assert row is not None
    return int(row["value"])


def _parameters(scope: Scope, reason: Reason) -> dict[str, object]:
    return {
        "list_account": scope.account_id,
        "application_id": scope.application_id,
        "source": reason.source,
        "evidence": reason.evidence,
        "ends_at": reason.ends_at,
    }
