"""The shapes of bodies and answers in the OpenAPI document (JSON Schema 2020-12)."""

from typing import Any

from calloff.queue.read import STATUSES

Schema = dict[str, Any]

IDENTIFIER: Schema = {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}
_NEEDS_A_WAIT: Schema = {
    "if": {"required": ["max_attempts"], "properties": {"max_attempts": {"not": {"enum": [1, "1", "", None]}}}},
    "then": {"required": ["reattempt_wait"], "properties": {"reattempt_wait": {"not": {"enum": ["", None]}}}},
}
"""More than one attempt."""
CALL_ID: Schema = {**IDENTIFIER, "description": "The call's ID.", "examples": ["123"]}


def schemas() -> dict[str, Schema]:
    """Every shape, by the name that the document refers to it by."""
    nothing_yet: Schema = {"type": ["string", "null"]}
    return {
        "error": _object({"error": {"type": "string", "description": "A sentence that says what to mend."}}),
        "health": _object({"status": {"type": "string"}}),
        "paused": _object({"paused": {"type": "boolean"}}),
        "queued_call": _object({"call_id": CALL_ID}),
        "queue_request": _queue_request(),
        "bulk_queue_request": _bulk_queue_request(),
        "bulk_queued": _object(
            {
                "call_ids": {"type": "array", "items": CALL_ID, "description": "In the order of the list."},
                "queued": {"type": "integer"},
                "rejected": {"type": "integer"},
                "errors": {
                    "type": "array",
                    "items": _object(
                        {
                            "line": {"type": "integer", "description": "Where the row begins, from 1."},
                            "value": {"type": "string", "description": "What stood there, shortened."},
                            "error": {"type": "string"},
                        }
                    ),
                },
            }
        ),
        "call_status": _object({"call_details": {"$ref": "#/components/schemas/call_details"}}),
        "call_details": _object(
            {
                "max_attempts": {"type": "string", "description": "How often it is tried, at most."},
                "attempts": {"type": "string", "description": "How often it was tried so far."},
                "events": {
                    "type": "array",
                    "description": "What happened, oldest first.",
                    "items": _object(
                        {
                            "event": {
                                "type": "string",
                                "enum": [
                                    "queued",
                                    "dialing",
                                    "connected",
                                    "disconnected",
                                    "failed",
                                    "expired",
                                    "canceled",
                                ],
                            },
                            "timestamp": {"type": "integer", "description": "Unix seconds."},
                        }
                    ),
                },
                "phone_number": {"type": "string"},
                "status": {"type": "string", "enum": list(STATUSES)},
                "queued_timestamp": {"type": "string", "description": "Unix seconds."},
                "start_timestamp": {
                    "type": "string",
                    "description": "Unix seconds: when dialing may begin; once connected, when that was.",
                },
                "end_timestamp": {
                    **nothing_yet,
                    "description": "Unix seconds: when attempts stop; once connected, when the call ended.",
                },
                "reattempt_wait": {**nothing_yet, "description": "Seconds between two attempts."},
                "duration": {"type": ["integer", "null"], "description": "Seconds between connect and disconnect."},
                "call_id": CALL_ID,
                "result": {
                    "type": ["string", "null"],
                    "description": "What became of it, once it is completed or failed.",
                    "enum": [
                        "answered",
                        "busy",
                        "no_answer",
                        "declined",
                        "invalid_number",
                        "rejected",
                        "carrier_error",
                        "unknown",
                        "expired",
                        None,
                    ],
                },
                "sip_code": {"type": ["integer", "null"], "description": "The last SIP status code."},
                "callee_type": {
                    "type": ["string", "null"],
                    "enum": ["processing", "voice", "answeringmachine", "fax", "unknown", None],
                },
                "variables": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "What the voice application collected.",
                },
            }
        ),
        "call_list": _object(
            {
                "calls": {"type": "array", "items": {"$ref": "#/components/schemas/call_details"}},
                "next_before": {**nothing_yet, "description": "`before` of the next page; null after the last one."},
            }
        ),
        "cancellation_list": _object(
            {
                "cancellations": {
                    "type": "array",
                    "items": _object(
                        {
                            "cancellation_id": {"type": "string", "description": "Counts from 1 in each deployment."},
                            "canceled_at": {"type": "integer", "description": "Unix seconds."},
                            "canceled_by": {
                                **nothing_yet,
                                "description": "The user's e-mail address; null for the command line.",
                            },
                            "origin": {"type": "string", "description": "The interface and the client's address."},
                            "canceled_calls": {"type": "integer", "description": "How many calls it called off."},
                            "settled_calls": {
                                "type": "integer",
                                "description": "In how many of their histories that is written down already.",
                            },
                        }
                    ),
                },
                "next_before": nothing_yet,
            }
        ),
    }


def _queue_request() -> Schema:
    whole = {"type": ["integer", "string", "null"]}
    moment = {**whole, "pattern": "^([0-9]{1,11})?$", "minimum": 0, "maximum": 253402300799}
    body = _object(
        {
            "phone_number": {
                "type": "string",
                "description": (
                    "7 to 15 digits with an optional `+`; separators are allowed, and so are `tel:` before it and "
                    "`;ani=` (the caller ID) and `;postd=` (digits to send after the answer) behind it."
                ),
                "pattern": r"^(tel:)?\+?[0-9]{7,15}(;ani=\+?[0-9]{7,15})?(;postd=[0-9*#A-D,wp]{1,64})?$",
                "examples": ["+16175551234", "tel:+16175551234;ani=8009957586;postd=2"],
            },
            "start_timestamp": {
                **moment,
                "description": "Unix seconds; when to begin dialing. Default: now.",
            },
            "end_timestamp": {
                **moment,
                "description": "Unix seconds; when to stop attempting. Has to be to come, and after `start_timestamp`.",
            },
            "max_attempts": {
                **whole,
                "pattern": "^([1-9]|10)?$",
                "minimum": 1,
                "maximum": 10,
                "description": "1 to 10; default 1. Above 1 it needs `reattempt_wait`.",
            },
            "reattempt_wait": {
                **whole,
                "pattern": "^([6-9][0-9]|[1-9][0-9]{2,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400)?$",
                "minimum": 60,
                "maximum": 86400,
                "description": "60 to 86400 seconds between two attempts.",
            },
            "result_url": {
                "type": ["string", "null"],
                "pattern": "^(https?://[!-~]+)?$",
                "maxLength": 2048,
                "description": "An http or https address to which the result is posted.",
            },
            "is_pci": {
                "enum": [0, 1, "0", "1", "", None],
                "description": "1 keeps the number and the variables out of logs, and masks the number in the console.",
            },
            "variables": {
                "type": ["object", "string", "null"],
                "additionalProperties": {"type": "string"},
                "contentMediaType": "application/json",
                "description": "Strings that the voice application can read: an object, in a form as JSON.",
                "examples": [{"name": "A"}],
            },
        },
        required=["phone_number"],
    )
    return {**body, **_NEEDS_A_WAIT}


def _bulk_queue_request() -> Schema:
    shared = {name: schema for name, schema in _queue_request()["properties"].items() if name != "phone_number"}
    csv = {
        "type": "string",
        "format": "binary",
        "description": "The list, as a file. What `destination` may hold is what `phone_number` of `queue` may.",
    }
    return {**_object({"csv": csv, **shared}, required=["csv"]), **_NEEDS_A_WAIT}


def _object(properties: dict[str, Schema], *, required: list[str] | None = None) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }
