"""What Calloff posts to a call's `result_url` once the call is over (contract, *Callback*)."""

from calloff.api.openapi.examples import DETAILS, DETAILS_AS_A_FORM
from calloff.api.openapi.schemas import Schema, reference

RESULTS = "Results"
"""The tag."""


def callback() -> Schema:
    """The callback, by the expression for its address."""
    return {"{$request.body#/result_url}": {"post": _operation()}}


def _operation() -> Schema:
    return {
        "operationId": "receive_result",
        "summary": "Receive the result of a call",
        "description": (
            "Calloff posts this to the `result_url` of a call once the call is completed, failed or canceled: what "
            "`read_status` shows as `call_details`. It arrives at least once; each repeat has the same `webhook-id`. "
            "It is signed as Standard Webhooks 1.0 says."
        ),
        "tags": [RESULTS],
        "security": [],
        "parameters": _headers(),
        "requestBody": {
            "required": True,
            "description": (
                "`application/json`, or `application/x-www-form-urlencoded` if the deployment is set to "
                "`--callback-format form`."
            ),
            "content": {
                "application/json": {
                    "schema": reference("call_details"),
                    "examples": {"completed": {"value": DETAILS}},
                },
                "application/x-www-form-urlencoded": {
                    "schema": {"type": "string", "description": "The same, with nested keys in brackets."},
                    "examples": {"completed": {"value": DETAILS_AS_A_FORM}},
                },
            },
        },
        "responses": {
            "2XX": {"description": "Delivered, if it comes within 15 seconds. Whatever its body says is ignored."},
            "410": {"description": "Not wanted: it is not sent again."},
            "default": {
                "description": (
                    "Anything else, a redirect too, or no answer: it is sent again after 5 s, 5 min, 30 min, 2 h, 5 h, "
                    "10 h, 14 h, 20 h and 24 h, give or take a tenth, and then given up. `Retry-After` (seconds, or a "
                    "date) makes the next wait longer, up to a day, never shorter."
                ),
                "headers": {"Retry-After": {"schema": {"type": "string"}, "example": "3600"}},
            },
        },
    }


def _headers() -> list[Schema]:
    return [
        _header(
            "webhook-id",
            "`msg_` and the call's ID: the same on every try, so that repeats can be told.",
            "^msg_[1-9][0-9]*$",
            "msg_123",
        ),
        _header("webhook-timestamp", "Unix seconds: when this try was made.", "^[0-9]+$", "1475095929"),
        _header(
            "webhook-signature",
            "`v1,` and the HMAC-SHA256, in base64, of ID, timestamp and body, joined by dots. After the key was "
            "rotated, for a day two of them, separated by a blank: one of either key.",
            "^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$",
            "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        ),
    ]


def _header(name: str, description: str, pattern: str, example: str) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
        "example": example,
    }
