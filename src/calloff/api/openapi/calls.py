"""Queue calls and follow them."""

from calloff.api.bodies import BODY_SECONDS
from calloff.api.openapi.errors import TO_QUEUE, Error, in_a_deployment, invalid, of_a_call, unreadable
from calloff.api.openapi.examples import BULK_QUEUED, DETAILS, TRACE
from calloff.api.openapi.operations import DEPLOYMENT, OF_A_DEPLOYMENT, Body, Operation, answer, operation
from calloff.domain.codes import Code
from calloff.sip.pcap import PCAP

_TAG = "Calls"
_CALLBACKS = {"result": {"$ref": "#/components/callbacks/result"}}


def calls() -> list[Operation]:
    """The operations."""
    return [_queue(), _bulk_queue(), _list_calls(), _read_status(), _read_trace()]


def _queue() -> Operation:
    return operation(
        "POST",
        f"{DEPLOYMENT}/queue",
        "queue",
        "Queue one call",
        "The call is dialed as soon as its window is open and a line is free.",
        tag=_TAG,
        parameters=[*OF_A_DEPLOYMENT, "Idempotency-Key"],
        body=Body("queue_request", {"phone_number": "+16175551234"}),
        success=answer(
            "The call is queued; `Link` leads to its status.",
            "queued_call",
            {"call_id": "123"},
            headers={
                "Link": {
                    "description": 'The address of the call\'s status, as `rel="status"`.',
                    "schema": {"type": "string"},
                    "example": '<http://127.0.0.1:8080/api/outbound/123>; rel="status"',
                }
            },
            links={
                operation_id: {"operationId": operation_id, "parameters": {"call_id": "$response.body#/call_id"}}
                for operation_id in ("read_status", "cancel_call")
            },
        ),
        errors={
            **in_a_deployment("queue"),
            **invalid(Code.PHONE_NUMBER_MISSING, "phone_number is missing. Give the number to call."),
            **TO_QUEUE,
            **unreadable(
                too_slow=f"The body did not come within {BODY_SECONDS:.0f} seconds. Send it without pauses.",
                too_large="The body is larger than 256 KiB. Send less, or use bulk_queue.",
                unsupported=(
                    "The body's Content-Type is not supported. Send multipart/form-data, "
                    "application/x-www-form-urlencoded or application/json."
                ),
            ),
        },
        callbacks=_CALLBACKS,
    )


def _bulk_queue() -> Operation:
    return operation(
        "POST",
        f"{DEPLOYMENT}/bulk_queue",
        "bulk_queue",
        "Queue many calls",
        "Queues every valid row of a CSV file in one transaction and reports the others; 400 if none is valid. "
        "The first column is `destination` (or `phone_number`), every other one a variable of its call. "
        "UTF-8; `,` `;` or tab; the file is read as it streams in, up to 512 MiB.",
        tag=_TAG,
        parameters=[*OF_A_DEPLOYMENT, "Idempotency-Key"],
        body=Body(
            "bulk_queue_request",
            {"csv": "destination,name\n+16175551234,Anna\n+16175551235,Ben\n"},
            ["multipart/form-data"],
        ),
        success=answer("The valid rows are queued.", "bulk_queued", BULK_QUEUED),
        errors={
            **in_a_deployment("queue"),
            **invalid(
                Code.DESTINATION_COLUMN_MISSING,
                "The list has no destination column. Name the column of numbers destination, or say which one it is "
                "with destination_column.",
            ),
            **TO_QUEUE,
            **unreadable(
                too_slow="The list came in too slowly. Send it again.",
                too_large="The list is larger than 512 MiB. Send it in several parts.",
                unsupported="A bulk upload has to be multipart/form-data. Send the list as its part csv.",
            ),
            503: Error(
                "All places for uploads, or all of one account, are taken, and none came free within 10 seconds.",
                {"busy": "Too many lists are being uploaded. Try again in a moment."},
            ),
        },
        callbacks=_CALLBACKS,
    )


def _list_calls() -> Operation:
    return operation(
        "GET",
        f"{DEPLOYMENT}/calls",
        "list_calls",
        "List calls",
        "The deployment's calls, newest first.",
        tag=_TAG,
        parameters=[*OF_A_DEPLOYMENT, "limit", "before", "status"],
        success=answer("One page.", "call_list", {"calls": [DETAILS], "next_before": "123"}),
        errors={
            **in_a_deployment("view", changes=False),
            **invalid(Code.LIMIT_INVALID, "limit is out of range. Give a number from 1 to 200."),
        },
    )


def _read_status() -> Operation:
    return operation(
        "GET",
        "/api/outbound/{call_id}",
        "read_status",
        "Read a call's status",
        "What has become of the call, event by event.",
        tag=_TAG,
        parameters=["call_id"],
        success=answer("The call.", "call_status", {"call_details": DETAILS}),
        errors=of_a_call("view", changes=False),
    )


def _read_trace() -> Operation:
    status, success = answer("The attempts, the first one first.", "trace", TRACE)
    success["content"][PCAP] = {"schema": {"type": "string", "format": "binary"}}
    return operation(
        "GET",
        "/api/outbound/{call_id}/trace",
        "read_trace",
        "See what went over the wire",
        "Each attempt's SIP messages, and what its sound has counted; with `format=pcap` as a file for Wireshark. "
        "Passwords, keys of encryption and keys that were pressed are left out; so are the numbers of a call with "
        "`is_pci`, but for their last digits. Empty on the simulated trunk, and until an attempt is over.",
        tag=_TAG,
        parameters=["call_id", "format"],
        success=(status, success),
        errors={
            **of_a_call("view", changes=False),
            **invalid(Code.FORMAT_INVALID, "format is not pcap. Leave it out, or give pcap."),
        },
    )
