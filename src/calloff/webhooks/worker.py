"""The loop of `calloff webhooks`: takes what is due, host by host, so that a dead one delays nobody else's."""

import asyncio
import contextlib
import logging
from collections import Counter
from datetime import UTC, datetime

import psycopg
from psycopg_pool import PoolTimeout

from calloff.db.pool import Pool
from calloff.webhooks.deliver import Sender
from calloff.webhooks.outbox import DueCallback, claim_callbacks, due_hosts, mark_delivered, mark_failed
from calloff.webhooks.schedule import next_wait

PER_HOST = 4
"""Callbacks that one process sends to one host at once."""
AT_ONCE = 100
"""Callbacks that one process sends at once."""
_POLL = 0.5
"""Seconds between two looks at the outbox."""
_log = logging.getLogger(__name__)


class Worker:
    """Delivers callbacks until told to stop: `await Worker(pool, sender).run(stop)`. Any number may run."""

    def __init__(self, pool: Pool, sender: Sender) -> None:
        self._pool = pool
        self._sender = sender
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_host: Counter[str] = Counter()
        self._wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set, then finish what is on its way."""
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._wake.set())
        try:
            while not stop.is_set():
                self._wake.clear()
                try:
                    await self._round()
                except (psycopg.Error, PoolTimeout) as error:
                    _log.warning("callbacks wait for the database: %s", type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _POLL)
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            stopping.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(stopping, *self._tasks, return_exceptions=True)

    async def _round(self) -> None:
        for host in await due_hosts(self._pool):
            room = min(PER_HOST - self._at_host[host], AT_ONCE - len(self._tasks))
            if room <= 0:
                continue
            for callback in await claim_callbacks(self._pool, host, room):
                self._at_host[host] += 1
                task = asyncio.create_task(self._deliver(callback, host))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(self, callback: DueCallback, host: str) -> None:
        try:
            answer = await self._sender.deliver(callback)
            if answer.is_delivered:
                await mark_delivered(self._pool, callback, answer.status or 0)
                _log.info("callback of call %d delivered", callback.call_id)
                return
            final = answer.is_final
            wait = None if final else next_wait(callback.attempts, answer.retry_after, datetime.now(UTC))
            await mark_failed(self._pool, callback, status=answer.status, error=answer.error, wait=wait)
            _log.warning(
                "callback of call %d failed (%s), %s",
                callback.call_id,
                answer.error,
                "given up" if wait is None else f"next try in {wait:.0f} s",
            )
        except (psycopg.Error, PoolTimeout) as error:
            # Its lease ends by itself, and the same callback goes out again.
            _log.warning("callback of call %d waits for the database: %s", callback.call_id, type(error).__name__)
        except Exception as error:
            _log.error("callback of call %d could not be made: %s", callback.call_id, type(error).__name__)
        finally:
            self._at_host[host] -= 1
            if not self._at_host[host]:
                del self._at_host[host]
            self._wake.set()
