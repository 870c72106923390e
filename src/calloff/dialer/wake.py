"""Ends a dialer's sleep when a call was queued: NOTIFY is only the wake-up, the queue is the truth."""

import asyncio
import logging
from collections.abc import Callable

import psycopg

from calloff.calls.hang_up import CHANNEL, parse_hang_up
from calloff.db.pool import UNBOUNDED, open_connection

_RECONNECT_AFTER = 1.0
_log = logging.getLogger(__name__)


async def listen(conninfo: str, wake: Callable[[], None], hang_up: Callable[[int, int], None]) -> None:
    """Call `wake` whenever calls may have become due, until canceled; also after each reconnection.

    And `hang_up` with the deployment and the epoch of each cancel that ends what is dialing or connected, too.
    """
    while True:
        try:
            connection = await open_connection(conninfo, UNBOUNDED)
            async with connection:
                await connection.execute("LISTEN calloff_due")
                await connection.execute("LISTEN calloff_hang_up")
                wake()
                async for notification in connection.notifies():
                    if notification.channel == CHANNEL:
                        hang_up(*parse_hang_up(notification.payload))
                    else:
                        wake()
        except psycopg.Error as error:
            _log.warning("the dialer cannot listen to the database: %s", type(error).__name__)
        await asyncio.sleep(_RECONNECT_AFTER)
