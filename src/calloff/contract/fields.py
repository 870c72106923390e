"""The fields of `queue` and `bulk_queue`, checked, whoever sends them (contract, *Queue one call*)."""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from calloff.domain.calls import NewCall
from calloff.domain.codes import Code
from calloff.domain.errors import InvalidInput
from calloff.domain.numbers import DEFAULT_COUNTRY
from calloff.domain.phone import Destination, parse_destination
from calloff.domain.schedule import Schedule

Fields = dict[str, Any]
"""The values of a request by their field names: strings from a form, whatever it holds from JSON."""
SHARED_FIELDS = frozenset(
    {"start_timestamp", "end_timestamp", "max_attempts", "reattempt_wait", "result_url", "is_pci", "variables"}
)
"""The fields that describe how to call, whoever is called."""
LIST_NAME = "list_name"
"""What people call a list."""
_MAX_LIST_NAME = 200
IN_PROGRESS = ("continue", "hang_up")
"""What a cancel does with calls that are dialing or connected: nothing, or CANCEL or BYE."""
_MAX_URL = 2048
_MAX_VARIABLES = 64 * 1024
_VARIABLE = re.compile(r"variables\[([^\[\]]+)\]")
_OF_BROWSERS = frozenset({"submit", "MAX_FILE_SIZE"})
"""What an HTML form sends beside what was filled in: its button, and a limit for PHP."""
_YES_OR_NO = {"true": 1, "false": 0}
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


def parse_call(fields: Fields, country: str = DEFAULT_COUNTRY) -> NewCall:
    """The call that the fields of `queue`, sent from `country`, ask for. Raises `InvalidInput` that names the field."""
    refuse_unknown(fields, {"phone_number", *SHARED_FIELDS})
    return NewCall(
        destination=parse_phone_number(fields, country),
        schedule=parse_schedule(fields),
        result_url=parse_result_url(fields),
        is_pci=parse_is_pci(fields),
        variables=parse_variables(fields),
    )


def parse_phone_number(fields: Fields, country: str) -> Destination:
    """Whom `phone_number` names to somebody in `country`. Raises `InvalidInput` if it is missing or no number."""
    number = given(fields, "phone_number")
    if number is None:
        raise InvalidInput(
            "phone_number is missing. Give the number to call.", field="phone_number", code=Code.PHONE_NUMBER_MISSING
        )
    if not isinstance(number, str):
        raise InvalidInput("phone_number is not a string. Give it in quotes.", field="phone_number")
    return parse_destination(number, country)


def understand_fields(fields: Fields, *, form: bool) -> Fields:
    """The fields that are meant: `variables[name]=value` is one of `variables`, and what a browser adds is nothing.

    Raises `InvalidInput` if `variables` was given in both ways.
    """
    variables: dict[str, Any] = {}
    meant: Fields = {}
    for name, value in fields.items():
        if match := _VARIABLE.fullmatch(name):
            variables[match[1]] = value
        elif not (form and name in _OF_BROWSERS):
            meant[name] = value
    if variables and meant.get("variables") not in (None, ""):
        raise InvalidInput("variables was given in two ways. Give it in one.", field="variables")
    return {**meant, "variables": variables} if variables else meant


def refuse_unknown(fields: Fields, known: Collection[str]) -> None:
    """Raises `InvalidInput` for the first field that nobody would read."""
    for name in fields:
        if name not in known:
            raise InvalidInput(
                f"{name[:60]!r} is not a field of this request. Remove it, or check its spelling.",
                code=Code.FIELD_UNKNOWN,
            )


def parse_schedule(fields: Fields) -> Schedule:
    """The window and the retry rule, unchecked against the clock."""
    start, end = whole_number(fields, "start_timestamp"), whole_number(fields, "end_timestamp")
    max_attempts = whole_number(fields, "max_attempts")
    return Schedule(
        start=start,
        end=end,
        max_attempts=1 if max_attempts is None else max_attempts,
        reattempt_wait=whole_number(fields, "reattempt_wait"),
    )


def parse_result_url(fields: Fields) -> str | None:
    """The callback's address; whether it may be called is decided when it is."""
    url = given(fields, "result_url")
    if url is None:
        return None
    try:
        parts = urlsplit(url) if isinstance(url, str) and len(url) <= _MAX_URL else None
        valid = parts is not None and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not isinstance(url, str) or not url.isprintable() or " " in url:
        raise InvalidInput(
            f"result_url is not an http or https address of at most {_MAX_URL} characters. Give a complete one.",
            field="result_url",
        )
    return url


def parse_is_pci(fields: Fields) -> bool:
    """Whether number and variables are to be kept from logs and screens."""
    given = fields.get("is_pci")
    value = _YES_OR_NO.get(str(given).strip().lower()) if isinstance(given, str | bool) else None
    if value is None:
        value = whole_number(fields, "is_pci")
    if value in (None, 0, 1):
        return value == 1
    raise InvalidInput("is_pci is neither 0 nor 1, true nor false. Give one of them.", field="is_pci")


def parse_list_name(fields: Fields) -> str | None:
    """What the list is called; None if it has no name."""
    name = given(fields, LIST_NAME)
    if name is None:
        return None
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_LIST_NAME or not name.isprintable():
        raise InvalidInput(
            f"list_name is no line of at most {_MAX_LIST_NAME} characters. Shorten it, or leave it out.",
            field=LIST_NAME,
        )
    return name.strip()


def parse_variables(fields: Fields) -> Mapping[str, str] | None:
    """What the voice application can read."""
    value = given(fields, "variables")
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value, object_pairs_hook=_each_once)
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise InvalidInput(
            'variables is not a JSON object of strings. Give one, each name once, like {"name": "A"}.',
            field="variables",
        )
    check_text({"variables": value})
    if sum(len(name.encode()) + len(item.encode()) for name, item in value.items()) > _MAX_VARIABLES:
        raise InvalidInput(f"variables is larger than {_MAX_VARIABLES // 1024} KiB. Send less.", field="variables")
    return value


def check_text(fields: Fields) -> None:
    """Raises `InvalidInput` for NUL and lone surrogates, which PostgreSQL cannot store."""
    for name, value in fields.items():
        if not (_is_text(name) and _is_text(value)):
            raise InvalidInput(f"{name[:60]!r} holds a NUL or an invalid character. Remove it.", field=name)


def _is_text(value: object) -> bool:
    if isinstance(value, str):
        return not ("\0" in value or any("\ud800" <= character <= "\udfff" for character in value))
    if isinstance(value, dict):
        return all(_is_text(name) and _is_text(item) for name, item in value.items())
    return not isinstance(value, list) or all(_is_text(item) for item in value)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def given(fields: Fields, name: str) -> Any:
    """The field's value; an empty one, as forms send it, is none."""
    value = fields.get(name)
    return None if value == "" else value


def whole_number(fields: Fields, name: str) -> int | None:
    """The field's value; None if there is none. Raises `InvalidInput` that names it for anything but an integer."""
    value = given(fields, name)
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and _INTEGER.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**18 and value == int(value):
        # JSON has no integers of its own: 60.0 is one (JSON Schema 2020-12, section 6.1.1).
        return int(value)
    raise InvalidInput(f"{name} is not a whole number. Give it in digits.", field=name)
