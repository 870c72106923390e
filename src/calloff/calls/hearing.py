"""Whether whoever answers a call would hear something, and all of it: looked at before the call is queued."""

from collections.abc import Collection

from calloff.db.pool import Connection
from calloff.db.statements import load
from calloff.domain.codes import Code, Said
from calloff.domain.errors import Conflict, InvalidInput

SILENT = Said(
    Code.NO_MESSAGE,
    "This deployment has no message, so whoever answered would hear nothing. Publish a message to it first.",
)
_MOST = 10
"""Names that a sentence lists."""


class NoMessage(Conflict):
    """The deployment is on a real trunk and has nothing to say."""

    kind = Code.NO_MESSAGE


async def check_hearing(
    connection: Connection, deployment_id: int, names: Collection[str], *, of_a_list: bool = False
) -> None:
    """Raises `NoMessage`, or `InvalidInput` that tells which variables the message reads and `names` lacks.

    `names` are those of the variables that a call has, or that each call of a list has.
    """
    cursor = await connection.execute(load(__package__, "heard"), {"deployment_id": deployment_id})
    row = await cursor.fetchone()
    if row is None:
        return
    if row["is_silent"]:
        raise NoMessage(SILENT)
    missing = [name for name in row["needed"] if name not in names]
    if missing:
        told = ", ".join(name[:60] for name in missing[:_MOST])
        told += f" and {len(missing) - _MOST} more" if len(missing) > _MOST else ""
        where = "Add a column of that name" if of_a_list else "Give it in variables"
        have = "the list has no column of" if of_a_list else "the call does not have"
        raise InvalidInput(
            f"The message reads {told}, which {have}. {where}, or let the message declare a default.",
            field="variables",
            code=Code.VARIABLES_MISSING,
        )
