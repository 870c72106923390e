"""When a callback that failed is tried again (contract, *Callback*)."""

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

WAITS = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
"""Seconds after the first, second, … failure: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""
_JITTER = 0.1
_LONGEST = 86400.0


def next_wait(failures: int, retry_after: str | None, now: datetime) -> float | None:
    """Seconds to wait after that many failures, or None if it was the last try.

    `retry_after` is the header as it came (RFC 9110 section 10.2.3): seconds or a date. It can make the wait longer,
    up to a day, never shorter.
    """
    if failures > len(WAITS):
        return None
    wait = WAITS[failures - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load, hides nothing
    return max(wait, min(_LONGEST, _seconds(retry_after, now)))


def _seconds(retry_after: str | None, now: datetime) -> float:
    if retry_after is None:
        return 0.0
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    return (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds()
