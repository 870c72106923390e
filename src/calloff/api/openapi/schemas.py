"""The shapes of answers (JSON Schema 2020-12), and what all shapes are made of."""

from dataclasses import fields
from typing import Any

from calloff.contract.fields import IN_PROGRESS
from calloff.domain.calls import STATUSES
from calloff.media.events import Statistics

Schema = dict[str, Any]

IDENTIFIER: Schema = {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}
_CALL_ID: Schema = {**IDENTIFIER, "description": "The call's ID.", "examples": ["123"]}
_NOTHING_YET: Schema = {"type": ["string", "null"]}


def reference(name: str) -> Schema:
    """The shape of that name, wherever one is due."""
    return {"$ref": f"#/components/schemas/{name}"}


def shape(properties: dict[str, Schema], *, required: list[str] | None = None) -> Schema:
    """An object of these properties and no others, all of them there unless `required` says which."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def answer_schemas() -> dict[str, Schema]:
    """Each, by the name that the document refers to it by."""
    return {
        "error": shape(
            {
                "error": {"type": "string", "description": "A sentence that says what to mend."},
                "code": {"type": "string", "description": "The same for programs: it stays, whatever the sentence."},
            }
        ),
        "health": shape({"status": {"type": "string"}}),
        "paused": shape({"paused": {"type": "boolean"}}),
        "queued_call": shape({"call_id": _CALL_ID}),
        "bulk_queued": _bulk_queued(),
        "call_status": shape({"call_details": reference("call_details")}),
        "call_details": _call_details(),
        "call_list": _call_list(),
        "cancellation_list": _cancellation_list(),
        "list": _list(),
        "list_status": shape({"list": reference("list")}),
        "list_list": shape({"lists": {"type": "array", "items": reference("list")}, "next_before": _NOTHING_YET}),
        "trace": _trace(),
        "changed": shape({"changed": {"type": "boolean", "description": "Whether the list is another one now."}}),
        "forbidden_number": shape({"entries": {"type": "array", "items": _forbidden()}}),
    }


def _bulk_queued() -> Schema:
    rejected_row = shape(
        {
            "line": {"type": "integer", "description": "Where the row begins, from 1."},
            "value": {"type": "string", "description": "What stood there, shortened."},
            "error": {"type": "string"},
        }
    )
    return shape(
        {
            "call_ids": {"type": "array", "items": _CALL_ID, "description": "In the order of the list."},
            "queued": {"type": "integer"},
            "rejected": {"type": "integer"},
            "list_id": {**_NOTHING_YET, "description": "The list that they are from now on."},
            "errors": {"type": "array", "items": rejected_row},
        }
    )


def _call_details() -> Schema:
    return shape(
        {
            "max_attempts": {"type": "string", "description": "How often it is tried, at most."},
            "attempts": {"type": "string", "description": "How often it was tried so far."},
            "events": {"type": "array", "description": "What happened, oldest first.", "items": _event()},
            "phone_number": {"type": "string"},
            "status": {"type": "string", "enum": list(STATUSES)},
            "queued_timestamp": {"type": "string", "description": "Unix seconds."},
            "start_timestamp": {
                "type": "string",
                "description": "Unix seconds: when dialing may begin; once connected, when that was.",
            },
            "end_timestamp": {
                **_NOTHING_YET,
                "description": "Unix seconds: when attempts stop; once connected, when the call ended.",
            },
            "reattempt_wait": {**_NOTHING_YET, "description": "Seconds between two attempts."},
            "duration": {"type": ["integer", "null"], "description": "Seconds between connect and disconnect."},
            "call_id": _CALL_ID,
            "result": _result(),
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
    )


def _event() -> Schema:
    return shape(
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
                    "held",
                    "refused",
                    "canceled",
                ],
            },
            "timestamp": {"type": "integer", "description": "Unix seconds."},
        }
    )


def _result() -> Schema:
    return {
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
            "not_permitted",
            None,
        ],
    }


def _call_list() -> Schema:
    return shape(
        {
            "calls": {"type": "array", "items": reference("call_details")},
            "next_before": {**_NOTHING_YET, "description": "`before` of the next page; null after the last one."},
        }
    )


def _cancellation_list() -> Schema:
    receipt = shape(
        {
            "cancellation_id": {"type": "string", "description": "Counts from 1 in each deployment."},
            "canceled_at": {"type": "integer", "description": "Unix seconds."},
            "canceled_by": {**_NOTHING_YET, "description": "The user's e-mail address; null for the command line."},
            "origin": {"type": "string", "description": "The interface and the client's address."},
            "canceled_calls": {"type": "integer", "description": "How many calls it called off."},
            "settled_calls": {
                "type": "integer",
                "description": "In how many of their histories that is written down already.",
            },
            "in_progress": {
                "type": "string",
                "enum": list(IN_PROGRESS),
                "description": "What it did with calls that were dialing or connected.",
            },
        }
    )
    return shape({"cancellations": {"type": "array", "items": receipt}, "next_before": _NOTHING_YET})


def _list() -> Schema:
    cancellation = shape(
        {
            "canceled_at": {"type": "integer", "description": "Unix seconds."},
            "canceled_by": {**_NOTHING_YET, "description": "The user's e-mail address; null for the command line."},
            "origin": {"type": "string", "description": "The interface and the client's address."},
            "scope": {
                "type": "string",
                "enum": ["list", "deployment"],
                "description": "Whether the list alone was called off, or the whole deployment.",
            },
        }
    )
    return shape(
        {
            "list_id": {**IDENTIFIER, "description": "The list's ID."},
            "application_id": IDENTIFIER,
            "deployment_id": IDENTIFIER,
            "name": {"type": "string"},
            "state": {"type": "string", "enum": ["running", "paused", "canceled", "done"]},
            "queued_timestamp": {"type": "integer", "description": "Unix seconds."},
            "queued_by": {**_NOTHING_YET, "description": "The user's e-mail address; null for the command line."},
            "origin": {"type": "string", "description": "The interface and the client's address."},
            "sha256": {"type": "string", "description": "Of the file, in hexadecimal."},
            "accepted": {"type": "integer", "description": "How many of its rows were queued."},
            "rejected": {"type": "integer", "description": "How many were not."},
            "waiting": {"type": "integer"},
            "in_progress": {"type": "integer", "description": "How many calls are dialing or connected."},
            "over": {"type": "integer"},
            "results": {
                "type": "object",
                "additionalProperties": {"type": "integer"},
                "description": "How many calls are over, by result; `canceled` is one of them.",
            },
            "ended_timestamp": {"type": ["integer", "null"], "description": "Unix seconds: when all were found over."},
            "cancellation": {
                "anyOf": [cancellation, {"type": "null"}],
                "description": "What called it off.",
            },
        }
    )


def _forbidden() -> Schema:
    return shape(
        {
            "list": {"type": "string", "enum": ["operator", "account", "application"], "description": "Whose it is."},
            "application_id": _NOTHING_YET,
            "source": {"type": "string", "description": "How it is known."},
            "evidence": {**_NOTHING_YET, "description": "Where it can be looked up."},
            "origin": {**_NOTHING_YET, "description": "The interface and the address that it came from."},
            "added_timestamp": {"type": "integer", "description": "Unix seconds."},
            "end_timestamp": {"type": ["integer", "null"], "description": "Unix seconds; null if it is for good."},
        }
    )


def _trace() -> Schema:
    message = shape(
        {
            "timestamp": {"type": "number", "description": "Unix seconds."},
            "direction": {"type": "string", "enum": ["sent", "received"]},
            "local": {"type": "string", "description": "Our end: transport, address and port."},
            "remote": {"type": "string"},
            "title": {"type": "string", "description": "The method, or status code and reason."},
            "text": {"type": "string", "description": "The message."},
        }
    )
    media = shape({field.name: {"type": ["number", "null"]} for field in fields(Statistics)})
    attempt = shape(
        {
            "attempt": {"type": "integer", "description": "From 1."},
            "messages": {"type": "array", "items": message},
            "messages_left_out": {"type": "integer", "description": "How many there were beyond those that are kept."},
            "media": {"anyOf": [media, {"type": "null"}], "description": "What the sound has counted."},
        }
    )
    return shape({"attempts": {"type": "array", "items": attempt}})
