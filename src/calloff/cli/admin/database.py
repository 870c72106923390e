"""The way of the admin commands to the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from calloff.accounts.audit import record_by_operator
from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.wiring.database import database

T = TypeVar("T")

ORIGIN = "command line"
"""From where an operator's cancel comes."""


def on_database(settings: Settings, work: Callable[[Pool], Awaitable[T]], *, change: str | None = None) -> T:
    """The result of `work` on the database of these settings. Raises `NotConfigured` if it cannot be reached.

    `change` says what `work` does, such as `add a user`, for the audit log; None if it only looks.
    """

    async def run() -> T:
        async with database(settings) as pool:
            result = await work(pool)
            if change is not None:
                await record_by_operator(pool, change, result, origin=ORIGIN)
            return result

    return asyncio.run(run())
