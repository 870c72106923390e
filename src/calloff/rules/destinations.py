"""Where an account may call, beyond the ordinary numbers of its own country."""

import re
from collections.abc import Sequence

from calloff.db.certain import call_certainly
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.entries import Entry, told
from calloff.domain.errors import InvalidInput, NotFound
from calloff.domain.numbers import COUNTRIES, NumberKind

COSTLY_KINDS = (
    NumberKind.PREMIUM,
    NumberKind.SHARED_COST,
    NumberKind.SATELLITE,
    NumberKind.UNASSIGNED,
    NumberKind.PAGER,
    NumberKind.PERSONAL,
)
"""What a stolen key could run up a bill with; `forbidding_rule` has the same list."""
EVERYWHERE = "*"
"""The ordinary numbers of every country."""
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}", re.ASCII)


async def set_destinations(pool: Pool, account_id: int, destinations: Sequence[str], entry: Entry) -> None:
    """Let the account call there, and nowhere else, from the next start on. Writes `entry`, too.

    Each is a country (`DE`), a kind (`premium`), a prefix (`+4930`), or `*`. Raises `InvalidInput`, `NotFound`, or
    `OutcomeUnknown`: then it has to be asked for again.
    """
    for destination in destinations:
        is_known = destination in COUNTRIES or destination in COSTLY_KINDS or destination == EVERYWHERE
        if not is_known and not _PREFIX.fullmatch(destination):
            raise InvalidInput(
                f"{destination[:40]!r} is no destination. Give a country like DE, a prefix like +4930, * for all "
                f"countries, or one of {', '.join(COSTLY_KINDS)}.",
                field="destinations",
            )
    parameters = {"for_account": account_id, "destinations": sorted(set(destinations)), **told(entry)}
    if not await call_certainly(pool, load(__package__, "set_destinations"), parameters):
        raise NotFound("No account was found by that id. List the accounts.")
