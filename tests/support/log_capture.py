"""What Calloff logs, as one of its processes writes it."""

import io
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from calloff.wiring.logs import configure_logging

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ +[\w ]+\[\d+\] [\w.]+: ")
"""How a line of the log begins; the lines of a traceback are indented instead."""
FORGED = "2026-01-01T00:00:00.000Z INFO    api[1] calloff.api: forged"
"""A line that nobody but us should be able to write."""
NUMBER = "16175550142"
KEY = "q3J0mVbXk2c9Zs8YtL1wEoRfH4uGdN7aPi5xKvCjB6M"
HOSTILE = f"+{NUMBER} {KEY} Basic {KEY}\r\n{FORGED}\u2028{FORGED}\x1b[2J"
"""What nobody wants in a log."""


@contextmanager
def logged() -> Iterator[Callable[[], str]]:
    """Log as a process does; call what this yields for what was logged so far."""
    stream, root = io.StringIO(), logging.getLogger()
    hooks, handlers, level = (sys.excepthook, threading.excepthook, sys.unraisablehook), root.handlers[:], root.level
    root.handlers = []
    with mock.patch.object(sys, "stderr", stream):
        configure_logging("debug", "test")
    try:
        yield stream.getvalue
    finally:
        root.handlers = handlers
        root.setLevel(level)
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


def assert_clean(text: str) -> None:
    """None of what is `HOSTILE` is in the log, and none of it made a line."""
    assert NUMBER[1:] not in text
    assert KEY not in text
    for line in text.splitlines():
        assert LINE.match(line) or line.startswith("  "), line
        assert not line.startswith(FORGED), line
    assert "\x1b" not in text
