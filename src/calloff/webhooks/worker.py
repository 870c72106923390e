"""The loop of `calloff webhooks`: takes what is due, host by host, so that a dead one delays nobody else's."""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime

import psycopg
from psycopg_pool import PoolTimeout

from calloff.db.background import end_tasks
from calloff.db.pool import Pool
from calloff.webhooks.deliver import Sender
from calloff.webhooks.outbox import DueCallback, DueHost, claim_callbacks, due_hosts, mark_delivered, mark_failed
from calloff.webhooks.post import Answer
from calloff.webhooks.schedule import next_wait
from calloff.webhooks.turns import Turns

_POLL = 0.5
"""Seconds between two looks at the outbox."""
_log = logging.getLogger(__name__)


class Worker:
    """Delivers callbacks until told to stop: `await Worker(pool, sender).run(stop)`. Any number may run."""

    def __init__(self, pool: Pool, sender: Sender) -> None:
        self._pool = pool
        self._sender = sender
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns = Turns()
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
            await end_tasks(stopping, *self._tasks)

    async def _round(self) -> None:
        for due in self._turns.in_order(await due_hosts(self._pool)):
            room = self._turns.room(due)
            if not room:
                continue
            claimed = await claim_callbacks(self._pool, due.host, room)
            self._turns.begin(due, len(claimed))
            for callback in claimed:
                task = asyncio.create_task(self._deliver(callback, due))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _deliver(self, callback: DueCallback, due: DueHost) -> None:
        loop = asyncio.get_running_loop()
        began, seconds = loop.time(), None
        try:
            answer = await self._answer(callback)
            if answer.status is not None:
                seconds = loop.time() - began
            await self._mark(callback, answer)
        except (psycopg.Error, PoolTimeout) as error:
            # Its lease ends by itself, and the same callback goes out again.
            _log.warning("callback of call %d waits for the database: %s", callback.call_id, type(error).__name__)
        finally:
            self._turns.end(due, seconds)
            self._wake.set()

    async def _answer(self, callback: DueCallback) -> Answer:
        try:
            return await self._sender.deliver(callback)
        except (psycopg.Error, PoolTimeout):
            raise
        except Exception as error:
            # A fault of ours must not send it round and round: it waits its time and shows in the list. The error's
            # text stays out of the log, because it may hold what is in the call.
            _log.error("callback of call %d could not be made: %s", callback.call_id, type(error).__name__)
            return Answer(None, f"it could not be made ({type(error).__name__})")

    async def _mark(self, callback: DueCallback, answer: Answer) -> None:
        if answer.is_delivered:
            await mark_delivered(self._pool, callback, answer.status or 0)
            _log.info("callback of call %d delivered", callback.call_id)
            return
        wait = None if answer.is_final else next_wait(callback.failures + 1, answer.retry_after, datetime.now(UTC))
        await mark_failed(self._pool, callback, status=answer.status, error=answer.error, wait=wait)
        _log.warning(
            "callback of call %d failed (%s), %s",
            callback.call_id,
            answer.error,
            "given up" if wait is None else f"next try in {wait:.0f} s",
        )
