"""The way of the admin commands to the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.wiring.database import database

T = TypeVar("T")

ORIGIN = "command line"
"""From where an operator's cancel comes."""


def on_database(settings: Settings, work: Callable[[Pool], Awaitable[T]]) -> T:
    """The result of `work` on the database of these settings. Raises `NotConfigured` if it cannot be reached."""

    async def run() -> T:
        async with database(settings) as pool:
            return await work(pool)

    return asyncio.run(run())
