"""The dialer's loop: takes due calls of the deployments in turn, as many as it has ports for."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import psycopg
from psycopg_pool import PoolTimeout

from calloff.calls.claim import ClaimedCall, claim, due_queues
from calloff.calls.hang_up import find_hang_ups
from calloff.calls.rescue import LEASE
from calloff.db.background import end_tasks
from calloff.db.pool import Pool
from calloff.dialer.batches import MOST
from calloff.dialer.follow import FindTrunk, follow
from calloff.dialer.legs import Legs
from calloff.dialer.records import Records, stopwatch
from calloff.dialer.talk import Conversations
from calloff.dialer.wake import listen
from calloff.domain.permits import AbandonedAttempt
from calloff.upkeep.dialers import register, renew, retire
from calloff.upkeep.housekeeping import keep_house
from calloff.upkeep.retention import RETENTION_DAYS

_IDLE = 5.0
"""Seconds after which an idle dialer looks at the queue by itself, should a NOTIFY have been lost."""
_WRITE_OFF = 10.0
"""Seconds for the results of calls that were hung up to be written; what is not written then is rescued."""
_DATABASE_ERRORS = (psycopg.Error, PoolTimeout)
_log = logging.getLogger(__name__)


class Dialer:
    """One dialer process: `await Dialer(...).run(stop)` dials until `stop` is set, then drains.

    `conversations` leads its connected calls. `ports` is how many calls it holds at
    once. After `stop`, calls that are dialing or connected have `drain_timeout` seconds to end by themselves.
    """

    def __init__(
        self,
        pool: Pool,
        conninfo: str,
        find_trunk: FindTrunk,
        conversations: Conversations,
        *,
        name: str,
        ports: int,
        drain_timeout: float,
        retention_days: int = RETENTION_DAYS,
    ) -> None:
        self._pool = pool
        self._conninfo = conninfo
        self._find_trunk = find_trunk
        self._conversations = conversations
        self._name = name
        self._ports = ports
        self._drain_timeout = drain_timeout
        self._retention_days = retention_days
        self._records = Records(pool)
        self._calls: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._legs = Legs()
        self._wake = asyncio.Event()
        self._turn = 0
        self._id = 0

    @property
    def calls(self) -> int:
        """How many it has in hand, from the claim to the end."""
        return len(self._calls)

    async def run(self, stop: asyncio.Event) -> None:
        """Dial until `stop` is set, and return when the last call is over or the drain time-out is."""
        self._id = await register(self._pool, name=self._name, ports=self._ports)
        _log.info("dialer %d (%s) is ready with %d ports", self._id, self._name, self._ports)
        background = [
            asyncio.create_task(self._keep_lease()),
            asyncio.create_task(listen(self._conninfo, self._wake.set, self._legs.call_off)),
            asyncio.create_task(keep_house(self._pool, self._retention_days, self._take_over)),
        ]
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._wake.set())
        try:
            while not stop.is_set():
                self._wake.clear()
                pause = await self._claim_round()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), pause)
            await self._drain()
            with contextlib.suppress(*_DATABASE_ERRORS):
                await retire(self._pool, self._id)
        finally:
            await end_tasks(*background, *self._calls, *self._ending, stopping)

    async def _look_for_hang_ups(self) -> None:
        """Find the cancels that hang up of which no NOTIFY came: it may be lost, the table is the truth."""
        for deployment_id, epoch in (await find_hang_ups(self._pool, self._legs.deployments)).items():
            self._legs.call_off(deployment_id, epoch)

    async def _claim_round(self) -> float:
        """Claim from each queue that has something due; returns the seconds until there may be more to do."""
        free = self._ports - len(self._calls)
        if free <= 0:
            return _IDLE
        try:
            queues = await due_queues(self._pool)
            ready = [queue.deployment_id for queue in queues if queue.due_in <= 0]
            waits = [queue.due_in for queue in queues if queue.due_in > 0]
            self._turn += 1
            start = self._turn % len(ready) if ready else 0
            for deployment_id in ready[start:] + ready[:start]:
                # An even share first, so that a long queue never starves a short one.
                limit = min(max(1, free // len(ready)), self._ports - len(self._calls), MOST)
                if limit <= 0:
                    return _IDLE
                age = stopwatch()
                calls, wait = await claim(self._pool, deployment_id, dialer_id=self._id, limit=limit)
                self._records.latencies.observe("claim", age())
                for call in calls:
                    self._follow(call)
                if wait is not None:
                    waits.append(wait)
                elif len(calls) == limit:
                    waits.append(0)
        except _DATABASE_ERRORS as error:
            _log.warning("the dialer waits for the database: %s", type(error).__name__)
            return 1.0
        return min([_IDLE, *waits])

    def _follow(self, call: ClaimedCall) -> None:
        task = asyncio.create_task(self._start_at_its_slot(call))
        self._calls.add(task)
        task.add_done_callback(self._forget)

    async def _start_at_its_slot(self, call: ClaimedCall) -> None:
        slot = asyncio.current_task()
        assert slot is not None
        self._waiting.add(slot)
        try:
            await asyncio.sleep(call.delay)
        except asyncio.CancelledError:
            await self._records.withdraw(call.claim)
            return
        finally:
            self._waiting.discard(slot)
        await follow(call, self._find_trunk, self._conversations, self._records, self._legs)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # What was claimed only is rescued; what was started, `follow` has settled.
            _log.error("a call could not be followed to its end", exc_info=error)

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                await self._look_for_hang_ups()
                if not await renew(
                    self._pool,
                    self._id,
                    ports_in_use=len(self._calls),
                    latencies=self._records.latencies,
                    dials=self._records.dials,
                ):
                    _log.error("dialer %d was silent for too long; its calls were taken away", self._id)
                    self._id = await register(self._pool, name=self._name, ports=self._ports)
            except _DATABASE_ERRORS as error:
                _log.warning("the dialer cannot renew its lease: %s", type(error).__name__)

    def _take_over(self, attempts: Sequence[AbandonedAttempt]) -> None:
        for attempt in attempts:
            task = asyncio.create_task(self._end(attempt))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _end(self, attempt: AbandonedAttempt) -> None:
        try:
            trunk = await self._find_trunk(attempt.trunk_id)
            await trunk.take_over(attempt)
        except Exception as error:  # it rings on until its far end gives up, and the other ones are not to
            _log.error("call %d of a dead dialer could not be ended: %s", attempt.call_id, type(error).__name__)
        else:
            _log.warning("ended call %d of a dead dialer", attempt.call_id)

    async def _drain(self) -> None:
        for task in self._waiting:
            task.cancel()
        if self._calls:
            _log.info("dialer %d drains %d calls", self._id, len(self._calls))
            await asyncio.wait(self._calls, timeout=self._drain_timeout)
        await self._legs.hang_up_all()
        if self._calls:
            await asyncio.wait(self._calls, timeout=_WRITE_OFF)
