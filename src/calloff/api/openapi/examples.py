"""The bodies of answers, as examples."""

from dataclasses import asdict
from typing import Any

from calloff.media.events import Statistics

DETAILS: dict[str, Any] = {
    "max_attempts": "1",
    "attempts": "1",
    "events": [
        {"event": "queued", "timestamp": 1475095892},
        {"event": "dialing", "timestamp": 1475095893},
        {"event": "connected", "timestamp": 1475095925},
        {"event": "disconnected", "timestamp": 1475095928},
    ],
    "phone_number": "6173720293",
    "status": "completed",
    "queued_timestamp": "1475095892",
    "start_timestamp": "1475095925",
    "end_timestamp": "1475095928",
    "reattempt_wait": "300",
    "duration": 3,
    "call_id": "123",
    "result": "answered",
    "sip_code": 200,
    "callee_type": "voice",
    "variables": {},
}
DETAILS_AS_A_FORM = (
    "max_attempts=1&attempts=1"
    "&events%5B0%5D%5Bevent%5D=queued&events%5B0%5D%5Btimestamp%5D=1475095892"
    "&events%5B1%5D%5Bevent%5D=dialing&events%5B1%5D%5Btimestamp%5D=1475095893"
    "&events%5B2%5D%5Bevent%5D=connected&events%5B2%5D%5Btimestamp%5D=1475095925"
    "&events%5B3%5D%5Bevent%5D=disconnected&events%5B3%5D%5Btimestamp%5D=1475095928"
    "&phone_number=6173720293&status=completed&queued_timestamp=1475095892&start_timestamp=1475095925"
    "&end_timestamp=1475095928&reattempt_wait=300&duration=3&call_id=123&result=answered&sip_code=200"
    "&callee_type=voice"
)
BULK_QUEUED: dict[str, Any] = {
    "call_ids": ["123", "124"],
    "queued": 2,
    "rejected": 1,
    "list_id": "7",
    "errors": [
        {
            "line": 4,
            "value": "12",
            "error": "phone_number is not a phone number. Write 7 to 15 digits, with an optional + in front.",
        }
    ],
}
CANCELLATIONS: dict[str, Any] = {
    "cancellations": [
        {
            "cancellation_id": "1",
            "canceled_at": 1475095892,
            "canceled_by": "name@example.org",
            "origin": "api 192.0.2.1",
            "canceled_calls": 52000,
            "settled_calls": 52000,
            "in_progress": "continue",
        }
    ],
    "next_before": None,
}
FORBIDDEN: dict[str, Any] = {
    "entries": [
        {
            "list": "account",
            "application_id": None,
            "source": "told an agent",
            "evidence": "call 123",
            "origin": "api 192.0.2.1",
            "added_timestamp": 1475095892,
            "end_timestamp": None,
        }
    ]
}

LIST: dict[str, Any] = {
    "list_id": "7",
    "application_id": "1",
    "deployment_id": "1",
    "name": "Appointments of Friday",
    "state": "running",
    "queued_timestamp": 1475095892,
    "queued_by": "name@example.org",
    "origin": "api 192.0.2.1",
    "sha256": "d3d13e4a0f2c0aa1c5c43a35b5a4d2e4a51f9e7b1b6d6c0d6b0f4b8f1f0a9c11",
    "accepted": 52000,
    "rejected": 3,
    "waiting": 41988,
    "in_progress": 12,
    "over": 10000,
    "results": {"answered": 7000, "busy": 800, "no_answer": 2200},
    "ended_timestamp": None,
    "cancellation": None,
}

TRACE: dict[str, Any] = {
    "attempts": [
        {
            "attempt": 1,
            "messages": [
                {
                    "timestamp": 1475095892.25,
                    "direction": "sent",
                    "local": "udp 192.0.2.1:5060",
                    "remote": "udp 198.51.100.7:5060",
                    "title": "INVITE",
                    "text": "INVITE sip:+16175551234@198.51.100.7 SIP/2.0\n…",
                },
                {
                    "timestamp": 1475095892.5,
                    "direction": "received",
                    "local": "udp 192.0.2.1:5060",
                    "remote": "udp 198.51.100.7:5060",
                    "title": "486 Busy Here",
                    "text": "SIP/2.0 486 Busy Here\n…",
                },
            ],
            "messages_left_out": 0,
            "media": asdict(Statistics()),
        }
    ]
}
