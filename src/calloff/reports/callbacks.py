"""Results on their way, as the operator sees them."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from calloff.db.pool import Pool
from calloff.db.statements import load


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
