"""Ends background tasks that use the database."""

import asyncio
from typing import Any

_PATIENCE = 1.0
"""Seconds between two cancellations."""


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks and wait until they have ended, whatever they raise.

    A cancellation that meets a query on a connection that breaks comes out as a database error (psycopg cancels the
    query first), and a task that goes on after those has then missed it: so it is canceled until it ends.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_PATIENCE)
    await asyncio.gather(*tasks, return_exceptions=True)
