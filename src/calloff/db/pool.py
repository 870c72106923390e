"""The connection pool, which outlives every stop of PostgreSQL: no restart of ours is needed when it comes back."""

import time
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection, OperationalError
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import ConnStatus
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from calloff.db.statements import load

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

CONNECTION_TIMEOUT = 5.0
"""Seconds that a caller waits for a connection; then the pool raises `psycopg_pool.PoolTimeout`."""

_RECONNECT_SECONDS = 3.0
"""For how long one attempt to replace a lost connection goes on. The pause between tries doubles from one second, so a
longer time would mean longer pauses; after it, the next caller that waits begins a new attempt."""

_FROM_CONNINFO = {
    "application_name": "calloff",
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""Unless the address says otherwise. Without these, a host that vanishes is noticed only after hours."""


_SESSION = {
    # The queue reads what was committed while it waited for a lock, and hears when a commit was not replicated.
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "client_min_messages": "notice",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    # Compiling a statement takes a hundred times as long as running it; and a plan that was made while a table was
    # empty reads all of it once it is full.
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",
    "enable_indexscan": "on",
    "enable_nestloop": "on",
    # Every wait has an end on the server's side, and so have the locks of a session whose host has vanished.
    "idle_session_timeout": "0",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
"""What every session of ours is set to once it is connected, whatever the defaults of the server, the database, the
role or the address are: they are not startup options, which PgBouncer refuses."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a session's statements may take, and how long they may wait for each lock."""

    statement: str = "30s"
    lock: str = "5s"


BULK = Bounds(statement="10min", lock="1min")
"""For a long list, which is queued in one statement."""
UNBOUNDED = Bounds(statement="0", lock="0")
"""For migrations, and for those who only listen."""


async def open_pool(conninfo: str, *, min_size: int, max_size: int, bounds: Bounds = Bounds()) -> Pool:
    """A pool of autocommit connections in UTC whose rows are dictionaries, with at least one connection made.

    While PostgreSQL is away, asking for a connection raises `psycopg_pool.PoolTimeout` after `CONNECTION_TIMEOUT`
    seconds, and a connection that breaks in use raises `psycopg.OperationalError`, of which the former is one. When it
    is back, the pool connects again by itself. Raises `PoolTimeout` if it cannot connect now. Close it in the end.
    """
    check = _StaleCheck()

    async def configure(connection: Connection) -> None:
        await set_up(connection, bounds)

    pool: Pool = AsyncConnectionPool(
        conninfo,
        connection_class=AsyncConnection[DictRow],
        kwargs=_parameters(conninfo),
        min_size=min_size,
        max_size=max_size,
        timeout=CONNECTION_TIMEOUT,
        reconnect_timeout=_RECONNECT_SECONDS,
        check=check,
        configure=configure,
        open=False,
    )
    check.pool = pool
    try:
        await pool.open()
        async with pool.connection():
            return pool
    except BaseException:
        await pool.close()
        raise


async def open_connection(conninfo: str, bounds: Bounds = BULK) -> Connection:
    """One connection like those of a pool, for work that keeps its connection for long. Close it in the end."""
    connection = await AsyncConnection[DictRow].connect(conninfo, **_parameters(conninfo))
    try:
        await set_up(connection, bounds)
    except BaseException:
        await connection.close()
        raise
    return connection


async def set_up(connection: AsyncConnection[Any], bounds: Bounds) -> None:
    """Set a session that commits by itself to what the promise needs."""
    settings = {**_SESSION, "statement_timeout": bounds.statement, "lock_timeout": bounds.lock}
    await connection.execute(load("calloff.db", "set_up_session"), {"settings": Jsonb(settings)})


def _parameters(conninfo: str) -> dict[str, Any]:
    given = conninfo_to_dict(conninfo)
    defaults = {name: value for name, value in _FROM_CONNINFO.items() if name not in given}
    return {**defaults, "autocommit": True, "row_factory": dict_row}


class _StaleCheck:
    """Finds out without a round trip whether the server has closed an idle connection.

    When it has, it has most likely closed them all, so all idle ones are replaced: the pool by itself would try them
    one after another with growing pauses.
    """

    _MAKE_ANEW_SECONDS = 1.0

    def __init__(self) -> None:
        self.pool: Pool | None = None
        self._drained_at = -self._MAKE_ANEW_SECONDS

    async def __call__(self, connection: Connection) -> None:
        try:
            # The first read takes the server's last words, if there are any; the next one meets the end behind them.
            connection.pgconn.consume_input()
            connection.pgconn.consume_input()
            if connection.pgconn.status != ConnStatus.OK:
                raise OperationalError("the server has closed this idle connection")
        except OperationalError:
            now = time.monotonic()
            if self.pool is not None and now - self._drained_at >= self._MAKE_ANEW_SECONDS:
                self._drained_at = now
                await self.pool.drain()
            raise
