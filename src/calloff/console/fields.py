"""Reads the fields of forms."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from calloff.domain.errors import InvalidInput


def whole(form: Mapping[str, str], name: str, what: str) -> int | None:
    """A whole number; None if the field is empty. Raises `InvalidInput` that names `what`."""
    text = form.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidInput(f"{what} is not a whole number. Write it in digits.", field=name)
    return int(text)


def decimal(form: Mapping[str, str], name: str, what: str) -> float | None:
    """A positive number; None if the field is empty. Raises `InvalidInput` that names `what`."""
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < 1e9:
        raise InvalidInput(f"{what} is not a positive number. Write it in digits.", field=name)
    return number


def moment(form: Mapping[str, str], name: str, what: str) -> float | None:
    """Unix seconds of a `datetime-local` field, which is in UTC; None if it is empty. Raises `InvalidInput`."""
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise InvalidInput(f"{what} is not a date and time. Write it like 2030-01-31T09:30.", field=name) from None
