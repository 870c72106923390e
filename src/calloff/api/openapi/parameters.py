"""The parameters of the operations."""

from calloff.api.openapi.schemas import IDENTIFIER, Schema
from calloff.contract.fields import IN_PROGRESS
from calloff.domain.calls import STATUSES


def parameters() -> dict[str, Schema]:
    """Each, by its name."""
    return {
        "application_id": _identifier("application_id", "The application's ID, as the console shows it."),
        "deployment_id": _identifier("deployment_id", "The deployment's ID, as the console shows it."),
        "call_id": _identifier("call_id", "The call's ID, as `queue` answered it."),
        "list_id": _identifier("list_id", "The list's ID, as `bulk_queue` answered it."),
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "description": (
                "1 to 255 visible ASCII characters, such as a UUID. The same key and body within 24 h answers as the "
                "first time did and queues nothing."
            ),
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        },
        "limit": {
            "name": "limit",
            "in": "query",
            "description": "How many, at most.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
        },
        "before": {
            "name": "before",
            "in": "query",
            "description": "Only what is older than this ID: `next_before` of the page before.",
            "schema": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
        },
        "format": {
            "name": "format",
            "in": "query",
            "description": "`pcap` for a file that Wireshark opens.",
            "schema": {"type": "string", "enum": ["pcap"]},
        },
        "in_progress": {
            "name": "in_progress",
            "in": "query",
            "description": (
                "What becomes of calls that are dialing or connected: `continue` lets them go on to their own end, "
                "`hang_up` ends all of them at once, by CANCEL or BYE. One that rang is canceled then."
            ),
            "schema": {"type": "string", "enum": list(IN_PROGRESS), "default": IN_PROGRESS[0]},
        },
        "status": {
            "name": "status",
            "in": "query",
            "description": "Only calls of this status.",
            "schema": {"type": "string", "enum": list(STATUSES)},
        },
    }


def _identifier(name: str, description: str) -> Schema:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": IDENTIFIER,
        "example": "1",
    }
