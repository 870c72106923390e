"""Brings what many calls ask of the database at the same time into one statement a deployment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")

MOST = 100
"""Calls a statement: a batch is one transaction, and a cancel waits for no longer than one of them takes."""


class Batches(Generic[Item]):
    """Runs `run(deployment_id, items)`, which returns the IDs of the calls that it moved.

    While one statement is under way, what comes meanwhile waits for the next one: nothing is delayed on an idle
    system, and a busy one needs few round trips.
    """

    def __init__(
        self, run: Callable[[int, Sequence[Item]], Awaitable[set[int]]], call_id: Callable[[Item], int]
    ) -> None:
        self._run = run
        self._call_id = call_id
        self._waiting: dict[int, list[tuple[Item, asyncio.Future[bool]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, deployment_id: int, item: Item) -> bool:
        """Whether `run` moved the call of `item`; raises what `run` raised for the batch that it was in."""
        moved: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.get(deployment_id)
        if waiting is None:
            self._waiting[deployment_id] = [(item, moved)]
            task = asyncio.create_task(self._flush(deployment_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            waiting.append((item, moved))
        return await moved

    async def _flush(self, deployment_id: int) -> None:
        while waiting := self._waiting[deployment_id]:
            batch, self._waiting[deployment_id] = waiting[:MOST], waiting[MOST:]
            try:
                moved = await self._run(deployment_id, [item for item, _ in batch])
            except Exception as error:  # whatever it is, it belongs to the calls that wait for this batch
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for item, future in batch:
                    if not future.done():
                        future.set_result(self._call_id(item) in moved)
        del self._waiting[deployment_id]
