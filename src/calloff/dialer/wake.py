"""Ends a dialer's sleep when a call was queued: NOTIFY is only the wake-up, the queue is the truth."""

import asyncio
import logging
from collections.abc import Callable

import psycopg

from calloff.db.pool import UNBOUNDED, open_connection

_RECONNECT_AFTER = 1.0
_log = logging.getLogger(__name__)


async def listen(conninfo: str, wake: Callable[[], None]) -> None:
    """Call `wake` whenever calls may have become due, until canceled; also after each reconnection."""
    while True:
        try:
            connection = await open_connection(conninfo, UNBOUNDED)
            async with connection:
                await connection.execute("LISTEN calloff_due")
                wake()
                async for _ in connection.notifies():
                    wake()
        except psycopg.Error as error:
            _log.warning("the dialer cannot listen to the database: %s", type(error).__name__)
        await asyncio.sleep(_RECONNECT_AFTER)
