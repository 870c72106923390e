"""Sends results again."""

from calloff.db.source import Source, on_connection
from calloff.db.statements import load


async def redeliver(source: Source, deployment_id: int, call_id: int | None = None) -> int:
    """Make the call's callback due now, or all of the deployment that were given up; returns how many."""
    parameters = {"deployment_id": deployment_id, "call_id": call_id}
    async with on_connection(source) as connection:
        return (await connection.execute(load(__package__, "redeliver"), parameters)).rowcount
