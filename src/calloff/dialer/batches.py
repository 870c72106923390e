"""Brings what many calls ask of the database at the same time into one statement a deployment."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

MOST = 100
"""Calls a statement: a batch is one transaction, and a cancel waits for no longer than one of them takes."""


class Batches(Generic[Item, Outcome]):
    """Runs `run(deployment_id, items)`, which returns what became of calls, by their IDs.

    While one statement is under way, what comes meanwhile waits for the next one: nothing is delayed on an idle
    system, and a busy one needs few round trips.
    """

    def __init__(
        self, run: Callable[[int, Sequence[Item]], Awaitable[Mapping[int, Outcome]]], call_id: Callable[[Item], int]
    ) -> None:
        self._run = run
        self._call_id = call_id
        self._waiting: dict[int, list[tuple[Item, asyncio.Future[Outcome | None]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, deployment_id: int, item: Item) -> Outcome | None:
        """What became of the call of `item`, None if nothing did; raises what `run` raised for the batch it was in."""
        outcome: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(deployment_id)
        if waiting is None:
            self._waiting[deployment_id] = [(item, outcome)]
            task = asyncio.create_task(self._flush(deployment_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            waiting.append((item, outcome))
        return await outcome

    async def _flush(self, deployment_id: int) -> None:
        while waiting := self._waiting[deployment_id]:
            batch, self._waiting[deployment_id] = waiting[:MOST], waiting[MOST:]
            try:
                outcomes = await self._run(deployment_id, [item for item, _ in batch])
            except Exception as error:  # whatever it is, it belongs to the calls that wait for this batch
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for item, future in batch:
                    if not future.done():
                        future.set_result(outcomes.get(self._call_id(item)))
        del self._waiting[deployment_id]
