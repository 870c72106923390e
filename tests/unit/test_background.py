"""Tasks end even if a cancellation is lost in a broken query."""

import asyncio

import psycopg

from calloff.db.background import end_tasks


async def test_a_task_that_missed_its_cancellation_is_canceled_again() -> None:
    missed = asyncio.Event()

    async def goes_on() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                if missed.is_set():
                    raise
                missed.set()

    async def fails() -> None:
        raise psycopg.OperationalError

    tasks = [asyncio.create_task(goes_on()), asyncio.create_task(fails())]
    await asyncio.sleep(0)
    await asyncio.wait_for(end_tasks(*tasks), 10)
    assert missed.is_set()
    assert all(task.done() for task in tasks)
