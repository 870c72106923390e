"""Reads how to call, as the forms for one call and for a list have it: the API's fields, under the same names."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from calloff.contract.fields import (
    LIST_NAME,
    Fields,
    parse_call,
    parse_is_pci,
    parse_list_name,
    parse_result_url,
    parse_schedule,
    parse_variables,
)
from calloff.domain.calls import NewCall
from calloff.domain.errors import InvalidInput
from calloff.lists.bulk import SharedFields

_WORDS = {
    "start_timestamp": "the time to begin",
    "end_timestamp": "the time to stop",
    "max_attempts": "the number of attempts",
    "reattempt_wait": "the wait between attempts",
    "result_url": "the callback's address",
    "phone_number": "the number",
    "list_name": "the name of the list",
    "ani": "the caller ID",
    "postd": "the digits to send",
}
"""What the forms call a field, where they do not use its name."""


def read_call(form: Mapping[str, str], country: str) -> NewCall:
    """The call that the form asks for, filled in in `country`. Raises `InvalidInput` that names the field."""
    parameters = [f";{name}={form[name]}" for name in ("ani", "postd") if form.get(name, "").strip()]
    fields = {**_shared(form), "phone_number": form.get("phone_number", "") + "".join(parameters)}
    return parse_call(fields, country)


def read_shared(form: Mapping[str, str]) -> SharedFields:
    """What the form says about every call of a list. Raises `InvalidInput` that names the field."""
    fields = _shared(form)
    schedule = parse_schedule(fields)
    schedule.check(time.time())
    variables = parse_variables(fields)
    name = parse_list_name({LIST_NAME: form.get(LIST_NAME, "").strip()})
    return SharedFields(schedule, parse_result_url(fields), parse_is_pci(fields), dict(variables or {}), name)


def in_words(error: InvalidInput) -> InvalidInput:
    """The same in the words of the forms."""
    message = error.message
    for name, words in _WORDS.items():
        if message.startswith(name):
            message = f"{words[0].upper()}{words[1:]}{message.removeprefix(name)}"
        message = message.replace(name, words)
    return InvalidInput(message, field=error.field)


def _shared(form: Mapping[str, str]) -> Fields:
    start = _moment(form, "start_timestamp", "The time to begin")
    end = _moment(form, "end_timestamp", "The time to stop")
    given: Fields = {
        name: form.get(name, "").strip() for name in ("max_attempts", "reattempt_wait", "result_url", "is_pci")
    }
    return {
        **given,
        "start_timestamp": None if start is None else int(start),
        "end_timestamp": None if end is None else int(end),
        "variables": _variables(form.get("variables", "")),
    }


def _variables(text: str) -> str | dict[str, str]:
    """Lines of `name=value`, or the JSON object that the API takes."""
    if text.lstrip().startswith("{"):
        return text
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not line.strip():
            continue
        if not equals or not name.strip() or name.strip() in found:
            raise InvalidInput("Write each variable once, on a line of its own, as name=value.", field="variables")
        found[name.strip()] = value.strip()
    return found


def _moment(form: Mapping[str, str], name: str, what: str) -> float | None:
    """Unix seconds of a `datetime-local` field, which is in UTC; None if it is empty. Raises `InvalidInput`."""
    text = form.get(name, "").strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise InvalidInput(f"{what} is not a date and time. Write it like 2030-01-31T09:30.", field=name) from None
