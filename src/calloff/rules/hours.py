"""When an account may ring people, on their clocks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import time

from calloff.db.certain import call_certainly
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.entries import Entry, told
from calloff.domain.errors import InvalidInput, NotFound

WEEK = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class CallingHours:
    """From and until when people may be rung, wherever they are: `until` is the first moment that is too late."""

    begin: time
    until: time
    days: Collection[int] = WEEK
    """ISO 8601 weekdays, Monday is 1."""

    def __post_init__(self) -> None:
        """Refuse what is no window within a day."""
        if self.begin >= self.until:
            raise InvalidInput("The hours end before they begin. Give two times of one day.", field="hours")
        if not self.days or not WEEK.issuperset(self.days):
            raise InvalidInput("The days are none. Give some of 1 (Monday) to 7 (Sunday).", field="days")


async def set_hours(pool: Pool, account_id: int, hours: CallingHours | None, entry: Entry) -> None:
    """Ring people for the account within these hours only, from the next start on; None is no rule.

    Writes `entry` in the same statement. Raises `NotFound`, or `OutcomeUnknown`: then it has to be asked for again.
    """
    parameters = {
        "for_account": account_id,
        "begin": hours.begin if hours else None,
        "until": hours.until if hours else None,
        "days": sorted(set(hours.days if hours else WEEK)),
        **told(entry),
    }
    if not await call_certainly(pool, load(__package__, "set_hours"), parameters):
        raise NotFound("No account was found by that id. List the accounts.")
