"""Keeps Python's garbage collector from stopping a dialer.

A full collection walks over everything that lives, which takes a second where thousands of calls do, and nothing is
sent meanwhile. Calls that are over are freed without it. So it is left to the moments in which no call is up, or to
once an hour, for what little refers to itself otherwise.
"""

import asyncio
import gc
from collections.abc import Callable

_LOOK = 10.0
"""Seconds between two looks whether nothing is up."""
_LEAST, _MOST = 60.0, 3600.0
"""Seconds from one full collection to the next: if nothing is up, and in any case."""
_YOUNG, _MIDDLE, _NEVER = 5_000, 20, 1_000_000


async def collect_when_idle(calls: Callable[[], int]) -> None:
    """Leave full collections to the moments when `calls` is 0. Runs until canceled, and then undoes that."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
    loop = asyncio.get_running_loop()
    collected_at = loop.time()
    try:
        while True:
            await asyncio.sleep(_LOOK)
            age = loop.time() - collected_at
            if age >= _MOST or (age >= _LEAST and not calls()):
                gc.collect()
                collected_at = loop.time()
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
