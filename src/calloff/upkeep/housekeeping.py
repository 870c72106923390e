"""What has to be done for the queue by somebody: one of the dialers does it, whichever holds the lock."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence

import psycopg
from psycopg_pool import PoolTimeout

from calloff.calls.expire import expire
from calloff.calls.rescue import LEASE, rescue
from calloff.db.background import end_tasks
from calloff.db.pool import Connection, Pool
from calloff.domain.permits import AbandonedAttempt
from calloff.upkeep.retention import RETENTION_DAYS, forget_keys, remove_old_calls
from calloff.upkeep.settler import settle_canceled

_PERIOD = 1.0
"""Seconds between two rounds when there is nothing to do."""
_SILENCE = LEASE
"""Seconds after which the server takes the lock from a leader that says nothing. (Its connection alone may stand for
hours after its machine has vanished, or while it is frozen.)"""
_HOUR = 3600.0
_LOCK = 0x43414C4C4F4B
_log = logging.getLogger(__name__)

TakeOver = Callable[[Sequence[AbandonedAttempt]], None]


def _leave(_attempts: Sequence[AbandonedAttempt]) -> None:
    """For a process without trunks."""


async def keep_house(pool: Pool, retention_days: int = RETENTION_DAYS, take_over: TakeOver = _leave) -> None:
    """Settle, expire, rescue and forget until canceled; waits while another process does.

    A call is kept for `retention_days` days after its end; 0 is for ever. `take_over` is told what a dead dialer left
    on the wire, and returns at once.
    """
    while True:
        try:
            async with pool.connection() as connection:
                if await _lead(connection):
                    await _keep_house_until_disconnected(pool, connection, retention_days, take_over)
        except (psycopg.Error, PoolTimeout) as error:
            _log.warning("housekeeping waits for the database: %s", type(error).__name__)
        await asyncio.sleep(_PERIOD)


async def _keep_house_until_disconnected(
    pool: Pool, connection: Connection, retention_days: int, take_over: TakeOver
) -> None:
    loop = asyncio.get_running_loop()
    rested_at = rescue_from = float("-inf")
    settling: asyncio.Task[int] | None = None
    forgetting = asyncio.create_task(_forget_hourly(pool, retention_days))
    try:
        while await _lead(connection):
            # After an outage every lease is over, also those of dialers that are well: let them renew first.
            if loop.time() - rested_at > LEASE / 2:
                rescue_from = loop.time() + LEASE
            # A deep queue may take the settler minutes, and nobody's window or rescue waits for that.
            if settling is None or settling.done():
                if settling is not None:
                    settling.result()
                settling = asyncio.create_task(settle_canceled(pool))
            await expire(pool)
            if loop.time() >= rescue_from:
                rescued = await rescue(pool)
                if rescued.calls:
                    _log.warning("rescued %d calls of dialers that went away", rescued.calls)
                if rescued.abandoned:
                    take_over(rescued.abandoned)
            rested_at = loop.time()
            await asyncio.sleep(_PERIOD)
    finally:
        await end_tasks(*([forgetting] if settling is None else [forgetting, settling]))
        # On a broken connection there is nothing to give up, and an error would hide why we stop.
        with contextlib.suppress(psycopg.Error):
            await connection.execute("RESET idle_session_timeout")
            await connection.execute("SELECT pg_advisory_unlock_all()")


async def _forget_hourly(pool: Pool, retention_days: int) -> None:
    while True:
        try:
            await forget_keys(pool)
            removed = await remove_old_calls(pool, retention_days)
            if removed:
                _log.info("removed %d calls that ended more than %d days ago", removed, retention_days)
        except (psycopg.Error, PoolTimeout) as error:
            _log.warning("what is old could not be removed: %s", type(error).__name__)
        await asyncio.sleep(_HOUR)


async def _lead(connection: Connection) -> bool:
    """Whether this connection holds the lock of the housekeeping; also tells whether it is still there."""
    cursor = await connection.execute(
        "WITH lock AS MATERIALIZED (SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' "
        "AND pid = pg_backend_pid()) OR pg_try_advisory_lock(%s) AS leads) "
        "SELECT leads, CASE WHEN leads THEN set_config('idle_session_timeout', %s, false) END FROM lock",
        (_LOCK, f"{_SILENCE * 1000:.0f}"),
    )
    row = await cursor.fetchone()
    return row is not None and bool(row["leads"])
