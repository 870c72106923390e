"""What a trunk accepts as a number and as digits to send, checked again right before the wire.

The API has validated both long before. A trunk checks once more, because here is where a stray character would become
a SIP header (RFC 3261 section 25.1) instead of an error.
"""

import re
from collections.abc import Iterator

from calloff.domain.errors import InvalidInput
from calloff.domain.permits import Permit

_NUMBER = re.compile(r"\+?[0-9]{7,15}", re.ASCII)
_KEYS = frozenset("0123456789*#ABCD")
_PAUSES = frozenset(",wp")


def check_permit(permit: Permit) -> None:
    """Raise `InvalidInput` unless number and caller ID are an optional `+` and 7 to 15 ASCII digits."""
    if not _NUMBER.fullmatch(permit.number):
        raise InvalidInput("The number to dial must be 7 to 15 digits, with an optional + in front.")
    if permit.caller_id is not None and not _NUMBER.fullmatch(permit.caller_id):
        raise InvalidInput("The caller ID must be 7 to 15 digits, with an optional + in front.")


def parse_digits(digits: str) -> Iterator[str | None]:
    """Each key of `digits` in order, None for a pause of a second. Raises `InvalidInput` before the first one."""
    if not set(digits) <= _KEYS | _PAUSES:
        raise InvalidInput("Digits to send may only be 0-9, *, #, A-D, and comma, w or p for a pause.")
    return (None if digit in _PAUSES else digit for digit in digits)
