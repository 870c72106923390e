"""How much of a list is read, and how long its client may keep us waiting: it holds one of few places meanwhile."""

import asyncio
from collections.abc import AsyncIterator

from calloff.domain.errors import TooLarge, TooSlow

MAX_LIST = 512 * 1024 * 1024
"""Bytes of a request that brings a list."""

STALL_SECONDS = 30.0
"""Seconds that a client may take to send, or to take in, the next piece."""
UPLOAD_SECONDS = 3600.0
"""Seconds within which a list has to be sent."""
BEGINNING_SECONDS = 60.0
"""Seconds that anybody has, however slow."""
SLOWEST = 4096
"""Bytes a second, after the beginning."""


def patience(received: int, waited: float) -> float:
    """Seconds to wait for the next piece, when `received` bytes have come and were waited for `waited` seconds in all.

    At most 0 if the client is too slow.
    """
    return min(STALL_SECONDS, UPLOAD_SECONDS - waited, BEGINNING_SECONDS + received / SLOWEST - waited)


def too_large(most: int) -> TooLarge:
    """That a list has more than `most` bytes."""
    size = f"{most // 1024**2} MiB" if most >= 1024**2 else f"{most // 1024} KiB"
    return TooLarge(f"The list is larger than {size}. Send it in several parts.")


async def read_patiently(body: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """The pieces of `body`, of `most` bytes in all. Raises `TooLarge`, or `TooSlow` when the patience is at its end."""
    size, waited = 0, 0.0
    now = asyncio.get_running_loop().time
    while True:
        since = now()
        try:
            async with asyncio.timeout(patience(size, waited)):
                piece = await anext(body, None)
        except TimeoutError:
            raise TooSlow("The list came in too slowly. Send it again.") from None
        waited += now() - since
        if piece is None:
            return
        size += len(piece)
        if size > most:
            raise too_large(most)
        yield piece
