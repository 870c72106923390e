"""How an operation is written down: its address, what it takes, what it answers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from calloff.api.openapi.code_samples import code_samples
from calloff.api.openapi.errors import IN_EVERY_OPERATION, NOT_ALLOWED, Error, Errors, said
from calloff.api.openapi.schemas import Schema, reference
from calloff.contract.errors import error_body
from calloff.contract.rendering import to_xml

DEPLOYMENT = "/api/apps/{application_id}/{deployment_id}"
OF_A_DEPLOYMENT = ("application_id", "deployment_id")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", "application/json")
_IN_A_FORM = {"encoding": {"variables": {"contentType": "application/json"}}}
_HEADERS = {401: "WWW-Authenticate", NOT_ALLOWED: "Allow", 429: "Retry-After"}


class Operation(NamedTuple):
    """Where it is, and what the document says of it."""

    method: str
    path: str
    content: Schema


class Body(NamedTuple):
    """What an operation takes."""

    schema: str
    example: dict[str, str]
    media_types: Sequence[str] = FORMS


def paths(operations: Iterable[Operation]) -> dict[str, Schema]:
    """The operations as the document lists them, in the order of their addresses."""
    found: dict[str, Schema] = {}
    for each in operations:
        found.setdefault(each.path, {})[each.method.lower()] = each.content
    return found


def operation(
    method: str,
    path: str,
    operation_id: str,
    summary: str,
    description: str,
    *,
    tag: str,
    success: tuple[int, Schema],
    errors: Errors,
    parameters: Sequence[str] = (),
    body: Body | None = None,
    callbacks: Schema | None = None,
    needs_credentials: bool = True,
) -> Operation:
    """One operation. `errors` are those of its own; `parameters` are names of components."""
    shared = IN_EVERY_OPERATION if needs_credentials else (NOT_ALLOWED,)
    responses = {
        success[0]: success[1],
        **{status: {"$ref": f"#/components/responses/error_{status}"} for status in shared},
        **{status: error_answer(status, error) for status, error in errors.items()},
    }
    content: Schema = {
        "operationId": operation_id,
        "summary": summary,
        "description": description,
        "tags": [tag],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in parameters],
        "responses": {str(status): responses[status] for status in sorted(responses)},
        "x-codeSamples": code_samples(method, path, body.example if body else None),
    }
    if body is not None:
        content["requestBody"] = {"required": True, "content": {kind: _taken(body, kind) for kind in body.media_types}}
    if callbacks is not None:
        content["callbacks"] = callbacks
    if not needs_credentials:
        content["security"] = []
    return Operation(method, path, content)


def _taken(body: Body, media_type: str) -> Schema:
    media: Schema = {"schema": reference(body.schema), "example": body.example}
    return media if media_type == "application/json" else {**media, **_IN_A_FORM}


def answer(description: str, schema: str, example: dict[str, Any], **more: Schema) -> tuple[int, Schema]:
    """A 200 with this body, in both representations. `more` is what else the document says of it."""
    return 200, {"description": description, "content": _content(schema, {"success": example}), **more}


def error_answer(status: int, error: Error) -> Schema:
    """The answer of an error, in both representations."""
    sentences = {cause: said(cause, message) for cause, message in error.messages.items()}
    content = _content(
        "error",
        {cause: error_body(sentence) for cause, sentence in sentences.items()},
        {cause: error_body(sentence, xml=True) for cause, sentence in sentences.items()},
    )
    found: Schema = {"description": error.description, "content": content}
    if status in _HEADERS:
        found["headers"] = {_HEADERS[status]: {"schema": {"type": "string"}}}
    return found


def _content(
    schema: str, examples: Mapping[str, Mapping[str, Any]], in_xml: Mapping[str, Mapping[str, Any]] | None = None
) -> Schema:
    return {
        "application/json": {
            "schema": reference(schema),
            "examples": {name: {"value": example} for name, example in examples.items()},
        },
        "application/xml": {
            "schema": {"type": "string"},
            "examples": {name: {"value": to_xml(example)} for name, example in (in_xml or examples).items()},
        },
    }
