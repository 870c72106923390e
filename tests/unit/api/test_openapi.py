"""The OpenAPI document says what the application does, and docs/api.md says what the document does."""

import json
from typing import Any, cast

from fastapi.routing import APIRoute

from calloff.api.app import create_app
from calloff.api.openapi import openapi_document
from calloff.db.pool import Pool
from tests.support.api_reference import REFERENCE, api_reference


def _operations() -> dict[tuple[str, str], dict[str, Any]]:
    paths = openapi_document()["paths"]
    return {(path, method.upper()): paths[path][method] for path in paths for method in paths[path]}


def _routes(routes: Any) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for route in routes:
        if isinstance(route, APIRoute):
            found |= {(route.path, method) for method in route.methods or ()}
        elif hasattr(route, "original_router"):
            found |= _routes(route.original_router.routes)
    return found


def test_every_route_is_described_and_nothing_else_is() -> None:
    app = create_app(cast(Pool, None), "")
    # What tools read in formats of their own is not for the page.
    for_tools = {("/openapi.json", "GET"), ("/metrics", "GET")}
    assert _routes(app.routes) - for_tools == set(_operations())


def test_every_operation_has_an_address_samples_and_its_errors() -> None:
    operations = _operations()
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)
    for (path, _), operation in operations.items():
        assert [sample["lang"] for sample in operation["x-codeSamples"]] == ["Shell", "Python", "PHP", "JavaScript"]
        assert "405" in operation["responses"]
        if path.startswith("/api/"):
            assert {"401", "403", "404", "405", "429", "500"} <= set(operation["responses"])


def test_every_reference_leads_somewhere() -> None:
    document = openapi_document()
    for piece in json.dumps(document).split('"$ref": "#/')[1:]:
        place = document
        for name in piece.split('"')[0].split("/"):
            place = place[name]


def test_the_page_is_up_to_date() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == api_reference(), "Run `make api-docs`."
