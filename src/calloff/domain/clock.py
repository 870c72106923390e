"""The clock that deadlines are told by."""

import time


def boot_time() -> float:
    """Seconds on the clock that goes on while the machine sleeps; comparable within one machine only."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
