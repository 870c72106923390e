"""Changes whose outcome has to be certain (promise S5)."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg

from calloff.db.pool import Connection, Pool
from calloff.domain.errors import OutcomeUnknown


@asynccontextmanager
async def confirmed(connection: Connection) -> AsyncIterator[None]:
    """Leaving the block means that what was committed in it, on `connection`, is committed.

    Raises `OutcomeUnknown` if the server did not answer, or answered with a warning, as it does when a commit was not
    replicated as configured (PostgreSQL, *synchronous_standby_names*).
    """
    warnings: list[str | None] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            warnings.append(diagnostic.sqlstate)

    connection.add_notice_handler(note)
    try:
        yield
    except psycopg.Error as error:
        raise _not_confirmed() from error
    finally:
        connection.remove_notice_handler(note)
    if warnings:
        raise OutcomeUnknown("The database did not replicate the change in time. Send the request again.")


@asynccontextmanager
async def certainly(pool: Pool) -> AsyncIterator[Connection]:
    """A connection for statements that commit by themselves; leaving the block means that they are committed.

    Raises `OutcomeUnknown` as `confirmed` does, and if the server could not be reached.
    """
    try:
        async with pool.connection() as connection, confirmed(connection):
            yield connection
    except psycopg.Error as error:
        raise _not_confirmed() from error


async def call_certainly(pool: Pool, statement: str, parameters: Mapping[str, object]) -> Any:
    """The one `value` that `statement` selects. Raises `OutcomeUnknown` as `certainly` does."""
    async with certainly(pool) as connection:
        row = await (await connection.execute(statement, parameters)).fetchone()
    assert row is not None
    return row["value"]


def _not_confirmed() -> OutcomeUnknown:
    return OutcomeUnknown("The database did not confirm the request. Send it again.")
