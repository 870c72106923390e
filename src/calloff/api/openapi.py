"""The OpenAPI 3.1 document of the API: the one source of `/openapi.json`, the page `/docs`, and docs/api.md."""

from typing import Any

from calloff.api.code_samples import code_samples
from calloff.api.openapi_schemas import IDENTIFIER, Schema, schemas
from calloff.queue.read import STATUSES

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
_IN_A_FORM = {"encoding": {"variables": {"contentType": "application/json"}}}
_APPS = "/api/apps/{application_id}/{deployment_id}"
_ERRORS = {
    400: ("The request is improperly formatted or invalid.", "phone_number is missing. Give the number to call."),
    401: (
        "The credentials are missing or wrong, or the account or user is inactive.",
        "The e-mail address or the developer key is wrong, or the account is inactive. Check your credentials.",
    ),
    403: (
        "You are known, but not permitted to do this.",
        "You are not permitted to queue in this application. Ask its owner to share it.",
    ),
    404: (
        "There is no such thing for you.",
        "No deployment was found by that application id and deployment id.",
    ),
    405: (
        "The method is not allowed here; `Allow` names those that are.",
        "This method is not allowed here. Use one of the methods in the Allow header.",
    ),
    408: ("The body came in too slowly.", "The upload came in too slowly. Send it again."),
    409: (
        "The state of the thing does not allow this.",
        "This application or deployment was deleted. Use another deployment.",
    ),
    413: ("The body is too large.", "The body is larger than 256 KiB. Send less, or use bulk_queue."),
    415: (
        "The body is of a type or coding that is not read here.",
        "The body is compressed. Send it without Content-Encoding.",
    ),
    422: (
        "The idempotency key was used for another request.",
        "This Idempotency-Key was used with another body. Use a new key for a new request.",
    ),
    429: (
        "Too many wrong credentials came from your address; `Retry-After` says when to try again.",
        "Too many attempts with wrong credentials. Try again in 5 seconds.",
    ),
    500: (
        "The database has failed, or did not confirm: whether the request was carried out is not known.",
        "The database cannot be reached or has failed. Try again in a moment.",
    ),
    503: (
        "The service cannot do this now: the database cannot be reached, or too many lists are being uploaded.",
        "Too many lists are being uploaded. Try again in a moment.",
    ),
}
_DETAILS_EXAMPLE = {
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


def openapi_document() -> dict[str, Any]:
    """The whole document, as JSON holds it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Calloff",
            "version": "1.0.0",
            "summary": "Queue phone calls, and call all of them off with one request.",
            "description": (
                "Sign in with HTTP Basic: your e-mail address, and a developer key as the password. "
                "`Accept: application/json` or `application/xml` picks the representation of every answer. "
                "Whatever is not a 2xx has an error in its body: a sentence that says what to mend."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"developer_key": []}],
        "tags": [
            {"name": "Calls", "description": "Queue calls and follow them."},
            {"name": "Stopping", "description": "Call everything off, or pause."},
            {"name": "Service", "description": "For supervisors and load balancers."},
        ],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "developer_key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The e-mail address, and a developer key as the password.",
                }
            },
            "parameters": _parameters(),
            "schemas": schemas(),
            "responses": {f"error_{status}": _error(status) for status in _ERRORS},
        },
    }


def _paths() -> dict[str, Any]:
    deployment = ["application_id", "deployment_id"]
    paged = [*deployment, "limit", "before"]
    return {
        f"{_APPS}/queue": {
            "post": _operation(
                "queue",
                "Queue one call",
                "The call is dialed as soon as its window is open and a line is free.",
                "Calls",
                path=f"{_APPS}/queue",
                parameters=[*deployment, "Idempotency-Key"],
                body="queue_request",
                body_example={"phone_number": "+16175551234"},
                success=_answer(
                    "The call is queued; `Link` leads to its status.",
                    "queued_call",
                    {"call_id": "123"},
                    headers={
                        "Link": {
                            "description": 'The address of the call\'s status, as `rel="status"`.',
                            "schema": {"type": "string"},
                        }
                    },
                    links=("read_status", "cancel_call"),
                ),
                errors=(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500),
            )
        },
        f"{_APPS}/bulk_queue": {
            "post": _operation(
                "bulk_queue",
                "Queue many calls",
                "Queues every valid row of a CSV file in one transaction and reports the others; 400 if none is valid. "
                "The first column is `destination` (or `phone_number`), every other one a variable of its call. "
                "UTF-8; `,` `;` or tab; the file is read as it streams in, up to 512 MiB.",
                "Calls",
                path=f"{_APPS}/bulk_queue",
                parameters=[*deployment, "Idempotency-Key"],
                body="bulk_queue_request",
                body_example={"csv": "destination,name\n+16175551234,Anna\n+16175551235,Ben\n"},
                media_types=("multipart/form-data",),
                success=_answer(
                    "The valid rows are queued.",
                    "bulk_queued",
                    {
                        "call_ids": ["123", "124"],
                        "queued": 2,
                        "rejected": 1,
                        "errors": [{"line": 4, "value": "12", "error": "phone_number is not a phone number. […]"}],
                    },
                ),
                errors=(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503),
            )
        },
        f"{_APPS}/calls": {
            "get": _operation(
                "list_calls",
                "List calls",
                "The deployment's calls, newest first.",
                "Calls",
                path=f"{_APPS}/calls",
                parameters=[*paged, "status"],
                success=_answer("One page.", "call_list", {"calls": [_DETAILS_EXAMPLE], "next_before": "123"}),
                errors=(400, 401, 403, 404, 429, 500),
            )
        },
        "/api/outbound/{call_id}": {
            "get": _operation(
                "read_status",
                "Read a call's status",
                "What has become of the call, event by event.",
                "Calls",
                path="/api/outbound/{call_id}",
                parameters=["call_id"],
                success=_answer("The call.", "call_status", {"call_details": _DETAILS_EXAMPLE}),
                errors=(401, 403, 404, 429, 500),
            ),
            "delete": _operation(
                "cancel_call",
                "Cancel one call",
                "Calls off one pending call. A call that is dialing, connected or over is a conflict.",
                "Stopping",
                path="/api/outbound/{call_id}",
                parameters=["call_id"],
                success=("202", {"description": "The call is off: it will not ring."}),
                errors=(401, 403, 404, 409, 429, 500),
            ),
        },
        f"{_APPS}/cancel": {
            "delete": _operation(
                "cancel",
                "Cancel all pending calls",
                "Calls off every call that is not yet dialing, at any depth of the queue, in the time of one commit. "
                "Once this has answered 202, none of them rings. Calls that are dialing or connected go on to their "
                "own end, and calls that are queued after the 202 are untouched. Repeating it is harmless.",
                "Stopping",
                path=f"{_APPS}/cancel",
                parameters=deployment,
                success=("202", {"description": "Calls successfully canceled. The answer has no body."}),
                errors=(401, 403, 404, 429, 500),
            )
        },
        f"{_APPS}/cancellations": {
            "get": _operation(
                "list_cancellations",
                "List cancellations",
                "Who called off what, when and from where, newest first.",
                "Stopping",
                path=f"{_APPS}/cancellations",
                parameters=paged,
                success=_answer(
                    "One page.",
                    "cancellation_list",
                    {
                        "cancellations": [
                            {
                                "cancellation_id": "1",
                                "canceled_at": 1475095892,
                                "canceled_by": "name@example.org",
                                "origin": "api 192.0.2.1",
                                "canceled_calls": 52000,
                                "settled_calls": 52000,
                            }
                        ],
                        "next_before": None,
                    },
                ),
                errors=(400, 401, 403, 404, 429, 500),
            )
        },
        f"{_APPS}/pause": {
            "post": _operation(
                "pause",
                "Pause dialing",
                "Starts nothing more until `resume`; what is dialing or connected goes on, and what waits waits on.",
                "Stopping",
                path=f"{_APPS}/pause",
                parameters=deployment,
                success=_answer("Nothing starts any more.", "paused", {"paused": True}),
                errors=(401, 403, 404, 429, 500),
            )
        },
        f"{_APPS}/resume": {
            "post": _operation(
                "resume",
                "Resume dialing",
                "Undoes `pause`; what is due starts at once.",
                "Stopping",
                path=f"{_APPS}/resume",
                parameters=deployment,
                success=_answer("What is due starts.", "paused", {"paused": False}),
                errors=(401, 403, 404, 429, 500),
            )
        },
        "/healthz": {"get": _probe("healthz", "Is the process alive?", "ok", ())},
        "/readyz": {"get": _probe("readyz", "Can the service work?", "ready", (503,))},
    }


def _operation(
    operation_id: str,
    summary: str,
    description: str,
    tag: str,
    *,
    path: str,
    success: tuple[str, Schema],
    errors: tuple[int, ...],
    parameters: list[str],
    body: str | None = None,
    body_example: dict[str, Any] | None = None,
    media_types: tuple[str, ...] = _FORMS,
) -> dict[str, Any]:
    method = {
        "queue": "POST",
        "bulk_queue": "POST",
        "pause": "POST",
        "resume": "POST",
        "cancel": "DELETE",
        "cancel_call": "DELETE",
    }.get(operation_id, "GET")
    operation: dict[str, Any] = {
        "operationId": operation_id,
        "summary": summary,
        "description": description,
        "tags": [tag],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in parameters],
        "responses": {
            success[0]: success[1],
            **{str(status): {"$ref": f"#/components/responses/error_{status}"} for status in sorted({*errors, 405})},
        },
        "x-codeSamples": code_samples(method, path, body_example),
    }
    if body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {
                media_type: {
                    "schema": {"$ref": f"#/components/schemas/{body}"},
                    "example": body_example,
                    **({} if media_type == "application/json" else _IN_A_FORM),
                }
                for media_type in media_types
            },
        }
    return operation


def _probe(operation_id: str, summary: str, status: str, errors: tuple[int, ...]) -> dict[str, Any]:
    operation = _operation(
        operation_id,
        summary,
        "Needs no credentials.",
        "Service",
        path=f"/{operation_id}",
        parameters=[],
        success=_answer("Yes.", "health", {"status": status}),
        errors=errors,
    )
    return {**operation, "security": []}


def _answer(
    description: str,
    schema: str,
    example: dict[str, Any],
    *,
    headers: Schema | None = None,
    links: tuple[str, ...] = (),
) -> tuple[str, Schema]:
    content = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": example},
        "application/xml": {"schema": {"type": "string"}},
    }
    answer: Schema = {"description": description, "content": content}
    if headers:
        answer["headers"] = headers
    if links:
        answer["links"] = {
            operation_id: {"operationId": operation_id, "parameters": {"call_id": "$response.body#/call_id"}}
            for operation_id in links
        }
    return "200", answer


def _error(status: int) -> Schema:
    description, message = _ERRORS[status]
    answer: Schema = {
        "description": description,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/error"}, "example": {"error": message}},
            "application/xml": {"schema": {"type": "string"}},
        },
    }
    header = {401: "WWW-Authenticate", 405: "Allow", 429: "Retry-After"}.get(status)
    if header is not None:
        answer["headers"] = {header: {"schema": {"type": "string"}}}
    return answer


def _parameters() -> dict[str, Schema]:
    return {
        "application_id": {
            "name": "application_id",
            "in": "path",
            "required": True,
            "description": "The application's ID, as the console shows it.",
            "schema": IDENTIFIER,
            "example": "1",
        },
        "deployment_id": {
            "name": "deployment_id",
            "in": "path",
            "required": True,
            "description": "The deployment's ID, as the console shows it.",
            "schema": IDENTIFIER,
            "example": "1",
        },
        "call_id": {
            "name": "call_id",
            "in": "path",
            "required": True,
            "description": "The call's ID, as `queue` answered it.",
            "schema": IDENTIFIER,
            "example": "1",
        },
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
        "status": {
            "name": "status",
            "in": "query",
            "description": "Only calls of this status.",
            "schema": {"type": "string", "enum": list(STATUSES)},
        },
    }
