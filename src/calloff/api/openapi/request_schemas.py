"""The shapes of what `queue` and `bulk_queue` take (JSON Schema 2020-12)."""

from calloff.api.openapi.schemas import Schema, shape
from calloff.domain.schedule import LATEST

_NEEDS_A_WAIT: Schema = {
    "if": {"required": ["max_attempts"], "properties": {"max_attempts": {"not": {"enum": [1, "1", "", None]}}}},
    "then": {"required": ["reattempt_wait"], "properties": {"reattempt_wait": {"not": {"enum": ["", None]}}}},
}
"""More than one attempt."""


_WHOLE: Schema = {"type": ["integer", "string", "null"]}
_MOMENT: Schema = {**_WHOLE, "pattern": "^([0-9]{1,11})?$", "minimum": 0, "maximum": LATEST}


def request_schemas() -> dict[str, Schema]:
    """Each, by the name that the document refers to it by."""
    return {
        "queue_request": _request({"phone_number": _phone_number()}),
        "number_request": shape(_whom(), required=["phone_number"]),
        "forbid_request": shape({**_whom(), **_why()}, required=["phone_number", "source"]),
        "bulk_queue_request": _request(
            {"csv": _csv()}, {"destination_column": _destination_column(), "list_name": _list_name()}
        ),
    }


def _request(whom: dict[str, Schema], more: dict[str, Schema] | None = None) -> Schema:
    return {**shape({**(more or {}), **whom, **_schedule(), **_rest()}, required=list(whom)), **_NEEDS_A_WAIT}


def _phone_number() -> Schema:
    return {
        "type": "string",
        "description": (
            "A number that can exist; one without `+` is read in your account's country. Separators are allowed, and "
            "so are `tel:` before it and "
            "`;ani=` (the caller ID) and `;postd=` (digits to send after the answer) behind it."
        ),
        "pattern": (
            r"^([Tt][Ee][Ll]:)?\+?[0-9]{7,15}(;[Aa][Nn][Ii]=(\+?[0-9]{7,15})?)?"
            r"(;[Pp][Oo][Ss][Tt][Dd]=[0-9*#A-D,wp]{0,64})?$"
        ),
        "examples": ["+16175551234", "tel:+16175551234;ani=8009957586;postd=2"],
    }


def _whom() -> dict[str, Schema]:
    return {
        "phone_number": _phone_number(),
        "application_id": {
            "type": ["integer", "string", "null"],
            "pattern": "^([1-9][0-9]{0,17})?$",
            "minimum": 1,
            "maximum": 10**18 - 1,
            "description": "For the list of one application; else it is that of the account.",
        },
    }


def _why() -> dict[str, Schema]:
    text: Schema = {"maxLength": 200, "pattern": r"^[ -~]*[!-~][ -~]*$"}
    return {
        "source": {**text, "type": "string", "description": "How it is known, in a few words.", "minLength": 1},
        "evidence": {
            **text,
            "type": ["string", "null"],
            "pattern": r"^([ -~]*[!-~][ -~]*)?$",
            "description": "Where it can be looked up: a call, a file.",
        },
        "end_timestamp": {
            **_MOMENT,
            "description": "Unix seconds; when it is over. Default: never.",
        },
    }


def _csv() -> Schema:
    return {
        "type": "string",
        "format": "binary",
        "description": (
            "The list, as a file: CSV as spreadsheets save it, or an Excel workbook (XLSX), whose first sheet is read. "
            "What `destination` may hold is what `phone_number` of `queue` may."
        ),
    }


def _list_name() -> Schema:
    return {
        "type": ["string", "null"],
        "maxLength": 200,
        "description": "What people call the list; the time, if it has no name.",
    }


def _destination_column() -> Schema:
    return {
        "type": ["string", "null"],
        "maxLength": 100,
        "description": (
            "The column of the numbers, where it is not called `destination`, `phone_number` or one of the names that "
            "address books use. Send it before the list."
        ),
    }


def _schedule() -> dict[str, Schema]:
    return {
        "start_timestamp": {
            **_MOMENT,
            "description": "Unix seconds; when to begin dialing. Default: now.",
        },
        "end_timestamp": {
            **_MOMENT,
            "description": "Unix seconds; when to stop attempting. Has to be to come, and after `start_timestamp`.",
        },
        "max_attempts": {
            **_WHOLE,
            "pattern": "^([1-9]|10)?$",
            "minimum": 1,
            "maximum": 10,
            "description": "1 to 10; default 1. Above 1 it needs `reattempt_wait`.",
        },
        "reattempt_wait": {
            **_WHOLE,
            "pattern": "^([6-9][0-9]|[1-9][0-9]{2,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400)?$",
            "minimum": 60,
            "maximum": 86400,
            "description": "60 to 86400 seconds between two attempts.",
        },
    }


def _rest() -> dict[str, Schema]:
    return {
        "result_url": {
            "type": ["string", "null"],
            "pattern": "^(https?://[!-~]+)?$",
            "maxLength": 2048,
            "description": "An http or https address to which the result is posted.",
        },
        "is_pci": {
            "enum": [0, 1, "0", "1", True, False, "true", "false", "", None],
            "description": "1 or true keeps number and variables out of logs, and masks the number in the console.",
        },
        "variables": {
            "type": ["object", "string", "null"],
            "additionalProperties": {"type": "string"},
            "contentMediaType": "application/json",
            "description": "Strings for the application: an object; in a form as JSON, or each as `variables[name]`.",
            "examples": [{"name": "A"}],
        },
    }
