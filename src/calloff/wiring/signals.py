"""SIGTERM and SIGINT, as events to wait for."""

import asyncio
import signal
from collections.abc import Callable

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def stop_on_signals(stop: asyncio.Event, again: Callable[[], None] | None = None) -> None:
    """Set `stop` at the first signal that asks this process to end; call `again` at every further one."""

    def handle() -> None:
        if stop.is_set() and again is not None:
            again()
        stop.set()

    for each in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(each, handle)
