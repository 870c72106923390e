"""The OpenAPI document says what the application does, and docs/api.md says what the document does."""

import json
from collections.abc import Iterator
from typing import Any, cast

import jsonschema_rs
from fastapi.routing import APIRoute

from calloff.api.app import create_app
from calloff.api.openapi import openapi_document
from calloff.contract.rendering import encode_body, to_xml
from calloff.db.pool import Pool
from calloff.webhooks.post import DEADLINE
from calloff.webhooks.schedule import WAITS
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
            # A page of whatever somebody may see is nobody else's place.
            of_a_place = {"403", "404"} if "{" in path else set()
            assert {"401", "405", "429", "500"} | of_a_place <= set(operation["responses"])


def test_every_reference_leads_somewhere() -> None:
    document = openapi_document()
    for piece in json.dumps(document).split('"$ref": "#/')[1:]:
        place = document
        for name in piece.split('"')[0].split("/"):
            place = place[name]


def test_every_example_is_valid() -> None:
    document = openapi_document()
    checked = 0
    for thing in _objects(document):
        if isinstance(schema := thing.get("schema"), dict):
            validator = jsonschema_rs.validator_for({**schema, "components": document["components"]})
            for example in _examples_of(thing):
                validator.validate(example)
                checked += 1
    assert checked > 100


def test_every_answer_with_a_body_shows_it() -> None:
    document = openapi_document()
    for operation in _operations().values():
        for status, answer in operation["responses"].items():
            if "$ref" in answer:
                answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
            if status == "202":
                assert "content" not in answer
                assert "no body" in answer["description"]
                continue
            if "text/csv" in answer["content"]:
                continue
            shown = [media["examples"] for media in answer["content"].values() if "examples" in media]
            assert [*answer["content"]][:2] == ["application/json", "application/xml"]
            assert shown[0].keys() == shown[1].keys()
            for name, example in shown[0].items():
                # The XML of an error is what the contract documents, to the byte: without the code.
                value = {key: item for key, item in example["value"].items() if key != "code" or status < "400"}
                assert shown[1][name]["value"] == to_xml(value)


def test_the_callback_is_what_the_webhooks_send_and_when() -> None:
    described = openapi_document()["components"]["callbacks"]["result"]["{$request.body#/result_url}"]["post"]
    content = described["requestBody"]["content"]
    details = content["application/json"]["examples"]["completed"]["value"]
    form = content["application/x-www-form-urlencoded"]["examples"]["completed"]["value"]
    assert encode_body(details, "form") == ("application/x-www-form-urlencoded", form)
    waits = [_in_words(wait) for wait in WAITS]
    assert f"{', '.join(waits[:-1])} and {waits[-1]}" in described["responses"]["default"]["description"]
    assert f"{DEADLINE:.0f} seconds" in described["responses"]["2XX"]["description"]


def _in_words(seconds: float) -> str:
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _objects(thing: Any) -> Iterator[dict[str, Any]]:
    """Every object in `thing`, itself included."""
    if isinstance(thing, dict):
        yield thing
    for each in thing.values() if isinstance(thing, dict) else thing if isinstance(thing, list) else ():
        yield from _objects(each)


def _examples_of(thing: dict[str, Any]) -> list[Any]:
    """Of a parameter, a header or a media type."""
    single = [thing["example"]] if "example" in thing else []
    return single + [example["value"] for example in thing.get("examples", {}).values()]


def test_the_page_is_up_to_date() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == api_reference(), "Run `make api-docs`."
