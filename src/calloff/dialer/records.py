"""Writes down what became of calls, and goes on trying while the database is away."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import psycopg
from psycopg_pool import PoolTimeout

from calloff.calls.claim import Claim, ClaimedCall
from calloff.calls.settle import Answer, Ending, connect, settle, withdraw
from calloff.calls.start import Refused, Started, start
from calloff.db.pool import Pool
from calloff.dialer.batches import Batches
from calloff.domain.errors import OutcomeUnknown
from calloff.domain.results import CalleeType, Result
from calloff.upkeep.latencies import Latencies

_RETRY_FIRST = 0.2
_RETRY_LAST = 5.0
Item = TypeVar("Item")
_log = logging.getLogger(__name__)


class Records:
    """The dialer's pen: one call of a method for each step of an attempt."""

    def __init__(self, pool: Pool) -> None:
        self._starts = Batches[ClaimedCall, Started | Refused](partial(start, pool), lambda call: call.claim.call_id)
        self._answers = Batches[Answer, bool](_moved(partial(connect, pool)), lambda answer: answer.claim.call_id)
        self._endings = Batches[Ending, bool](_moved(partial(settle, pool)), lambda ending: ending.claim.call_id)
        self._pool = pool
        self.latencies = Latencies()
        self.dials: Counter[Result] = Counter()

    async def start(self, call: ClaimedCall) -> Started | Refused:
        """Whether the INVITE may leave now. Raises `OutcomeUnknown`; never tries again, as only now is now."""
        age = stopwatch()
        try:
            outcome = await self._starts.put(call.claim.deployment_id, call)
        finally:
            self.latencies.observe("start", age())
        assert outcome is not None, "each call that is to be started gets its answer"
        return outcome

    async def connected(self, claim: Claim, details: Mapping[str, object], dialog: Mapping[str, object]) -> None:
        """The far end answered, at the moment of this call."""
        age = stopwatch()
        await _until_written(
            claim, lambda: self._answers.put(claim.deployment_id, Answer(claim, age(), details, dialog))
        )

    async def ended(
        self,
        claim: Claim,
        result: Result,
        *,
        sip_code: int | None,
        callee_type: CalleeType | None,
        collected: Mapping[str, str] | None,
        details: Mapping[str, object],
        called_off: bool,
        age: Callable[[], float],
    ) -> None:
        """The attempt is over, since `age()` seconds (see `stopwatch`)."""
        self.dials[result] += 1
        await _until_written(
            claim,
            lambda: self._endings.put(
                claim.deployment_id,
                Ending(
                    claim,
                    result,
                    ago=age(),
                    sip_code=sip_code,
                    callee_type=callee_type,
                    collected=collected,
                    details=details,
                    called_off=called_off,
                ),
            ),
        )

    async def withdraw(self, claim: Claim, *, wait: float = 0) -> None:
        """Give the call back, of which nothing was sent; it is due again after `wait` seconds."""

        async def give_back() -> bool:
            return bool(await withdraw(self._pool, claim.deployment_id, [claim], wait=wait))

        await _until_written(claim, give_back)


def stopwatch() -> Callable[[], float]:
    """A function that tells the seconds since now."""
    loop = asyncio.get_running_loop()
    since = loop.time()
    return lambda: loop.time() - since


def _moved(
    move: Callable[[int, Sequence[Item]], Awaitable[set[int]]],
) -> Callable[[int, Sequence[Item]], Awaitable[Mapping[int, bool]]]:
    async def run(deployment_id: int, items: Sequence[Item]) -> Mapping[int, bool]:
        return dict.fromkeys(await move(deployment_id, items), True)

    return run


async def _until_written(claim: Claim, write: Callable[[], Awaitable[bool | None]]) -> None:
    pause = _RETRY_FIRST
    while True:
        try:
            if not await write():
                _log.info("call %d had been taken away from this dialer", claim.call_id)
            return
        except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout, OutcomeUnknown) as error:
            _log.warning("call %d waits for the database to be written down: %s", claim.call_id, type(error).__name__)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _RETRY_LAST)
