"""Connections to PostgreSQL: short-lived uses out of a pool, each statement a transaction of its own."""

from typing import Any, TypeAlias

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Connection: TypeAlias = AsyncConnection[DictRow]
Pool: TypeAlias = AsyncConnectionPool[Connection]

_PATIENCE = 5.0
"""Seconds to wait for a connection before a dead database becomes an error."""


def connection_settings(application_name: str) -> dict[str, Any]:
    """What every connection of Calloff is opened with; each statement commits by itself."""
    return {
        "autocommit": True,
        "row_factory": dict_row,
        "application_name": application_name,
        "connect_timeout": 5,
        "options": "-c timezone=UTC",
    }


async def open_pool(conninfo: str, *, application_name: str, max_size: int, min_size: int = 1) -> Pool:
    """A pool that recovers by itself when the server was away. Close it with `await pool.close()`.

    Asking it for a connection raises `psycopg_pool.PoolTimeout` if none can be had for 5 seconds.
    """
    pool: Pool = AsyncConnectionPool(
        conninfo,
        connection_class=AsyncConnection[DictRow],
        kwargs=connection_settings(application_name),
        min_size=min_size,
        max_size=max_size,
        timeout=_PATIENCE,
        reconnect_timeout=0,
        open=False,
    )
    await pool.open()
    return pool
