"""When a call may be attempted: its window, and how often it is tried again (contract, *Queue one call*)."""

from dataclasses import dataclass

from calloff.domain.errors import InvalidInput

MAX_ATTEMPTS = range(1, 11)
REATTEMPT_WAIT = range(60, 86401)
LATEST = 253402300799
"""The last second of the year 9999, in Unix time: what the database's calendar and every client can still hold."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to begin dialing, when to stop, how often to try and how long to wait in between."""

    start: float | None = None
    """Unix seconds; None is now."""
    end: float | None = None
    """Unix seconds after which no attempt starts; None is never."""
    max_attempts: int = 1
    reattempt_wait: int | None = None
    """Seconds between the end of an attempt and the next one."""

    def check(self, now: float) -> None:
        """Raises `InvalidInput` if no call could follow this schedule when it is queued at `now` (Unix seconds)."""
        for field, value in (("start_timestamp", self.start), ("end_timestamp", self.end)):
            if value is not None and not 0 <= value <= LATEST:
                raise InvalidInput(
                    f"{field} is out of range. Give it in Unix seconds, before the year 10000.", field=field
                )
        if self.end is not None and self.end <= now:
            raise InvalidInput(
                "end_timestamp is in the past. Give a time that is still to come.", field="end_timestamp"
            )
        if self.end is not None and self.start is not None and self.end <= self.start:
            raise InvalidInput(
                "end_timestamp is not after start_timestamp. Let the window open before it closes.",
                field="end_timestamp",
            )
        if self.max_attempts not in MAX_ATTEMPTS:
            raise InvalidInput("max_attempts is out of range. Give a number from 1 to 10.", field="max_attempts")
        if self.reattempt_wait is not None and self.reattempt_wait not in REATTEMPT_WAIT:
            raise InvalidInput(
                "reattempt_wait is out of range. Give a number of seconds from 60 to 86400.", field="reattempt_wait"
            )
        if self.max_attempts > 1 and self.reattempt_wait is None:
            raise InvalidInput(
                "max_attempts above 1 needs a reattempt_wait. Give 60 to 86400 seconds.", field="reattempt_wait"
            )
