"""A call as callers read it: the `call_details` of status answers, callbacks and exports (contract, *Status*)."""

from typing import Any

from calloff.domain.call_lists import CallList
from calloff.domain.calls import CallStatus


def call_details(call: CallStatus) -> dict[str, Any]:
    """The documented keys first, strings and numbers as the documentation shows them, then our extensions.

    What is not known yet is None. `start_timestamp` and `end_timestamp` are the scheduled window until the call is
    connected, then the times of connect and disconnect, and `duration` is the seconds between these two as shown.
    """
    start, end = (call.start_at, call.end_at) if call.connected_at is None else (call.connected_at, call.ended_at)
    return {
        "max_attempts": str(call.max_attempts),
        "attempts": str(call.attempts),
        "events": [{"event": event.name, "timestamp": int(event.timestamp)} for event in call.events],
        "phone_number": call.phone_number,
        "status": call.status,
        "queued_timestamp": str(int(call.queued_at.timestamp())),
        "start_timestamp": str(int(start.timestamp())),
        "end_timestamp": str(int(end.timestamp())) if end else None,
        "reattempt_wait": None if call.reattempt_wait is None else str(call.reattempt_wait),
        "duration": None if call.duration is None or end is None else int(end.timestamp()) - int(start.timestamp()),
        "call_id": str(call.call_id),
        "result": call.result,
        "sip_code": call.sip_code,
        "callee_type": call.callee_type,
        "variables": dict(call.collected),
    }


def list_details(found: CallList) -> dict[str, Any]:
    """A list as callers read it: identifiers are strings, times Unix seconds, counts of calls numbers."""
    cancellation = found.cancellation
    return {
        "list_id": str(found.list_id),
        "application_id": str(found.application_id),
        "deployment_id": str(found.deployment_id),
        "name": found.name,
        "state": found.state,
        "queued_timestamp": int(found.queued_at.timestamp()),
        "queued_by": found.queued_by,
        "origin": found.origin,
        "sha256": found.sha256.hex(),
        "accepted": found.accepted,
        "rejected": found.rejected,
        "waiting": found.waiting,
        "in_progress": found.in_progress,
        "over": found.over,
        "results": found.results,
        "ended_timestamp": int(found.ended_at.timestamp()) if found.ended_at else None,
        "cancellation": None
        if cancellation is None
        else {
            "canceled_at": int(cancellation.canceled_at.timestamp()),
            "canceled_by": cancellation.canceled_by,
            "origin": cancellation.origin,
            "scope": "list" if cancellation.is_own else "deployment",
        },
    }
