"""How many lists may come in at once: each holds a connection to the database of its own."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from calloff.domain.errors import Busy

MAX_UPLOADS = 8
"""Uploads at a time in one process."""
MAX_OF_ONE_ACCOUNT = 6
"""Of those, so that one account's slow clients leave room for the others."""
WAIT_SECONDS = 10.0
"""That an upload waits for a place."""


class UploadSlots:
    """The places of a process for uploads."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(MAX_UPLOADS)
        self._of_account: defaultdict[int, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MAX_OF_ONE_ACCOUNT)
        )

    @asynccontextmanager
    async def take(self, account_id: int) -> AsyncIterator[None]:
        """Hold a place for a list of the account. Raises `Busy` if none comes free within `WAIT_SECONDS`."""
        async with AsyncExitStack() as held:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await held.enter_async_context(self._of_account[account_id])
                    await held.enter_async_context(self._all)
            except TimeoutError:
                raise Busy("Too many lists are being uploaded. Try again in a moment.") from None
            yield
