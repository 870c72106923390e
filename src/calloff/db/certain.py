"""One call of a server-side function whose outcome has to be certain (promise S5)."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from calloff.db.pool import Pool
from calloff.domain.errors import OutcomeUnknown


async def call_certainly(pool: Pool, statement: str, parameters: Mapping[str, object]) -> Any:
    """Run `statement`, which selects one `value` and commits by itself, and return that value.

    Raises `OutcomeUnknown` if the server could not be reached, did not answer, or answered with a warning, as it does
    when a commit was not replicated as configured (PostgreSQL, *synchronous_standby_names*).
    """
    warnings: list[str] = []

    def note(diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            warnings.append(diagnostic.sqlstate or "")

    try:
        async with pool.connection() as connection:
            connection.add_notice_handler(note)
            try:
                row = await (await connection.execute(statement, parameters)).fetchone()
            finally:
                connection.remove_notice_handler(note)
    except (psycopg.Error, PoolTimeout) as error:
        raise OutcomeUnknown("The database did not confirm the request. Send it again.") from error
    if warnings:
        raise OutcomeUnknown("The database did not replicate the change in time. Send the request again.")
    assert row is not None
    return row["value"]
