"""docs/api.md, made from the OpenAPI document. `python -m tests.support.api_reference` writes it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from calloff.api.openapi import openapi_document
from calloff.domain.codes import Code

REFERENCE = Path(__file__).parents[2] / "docs" / "api.md"
_BASE_URL = "http://127.0.0.1:8080"
_LANGUAGES = {"application/json": "json", "application/xml": "xml", "application/x-www-form-urlencoded": "text"}
_PARAMETERS = {"application_id": "1", "deployment_id": "1", "call_id": "1"}


def api_reference() -> str:
    """The whole page."""
    return "\n".join(_lines(openapi_document())) + "\n"


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield "# The HTTP API"
    yield ""
    yield "<!-- Made by `make api-docs` from the OpenAPI document; never edited by hand. -->"
    yield ""
    yield f"{document['info']['description']} The same can be tried out at `/docs` of a running server, and read by"
    yield "tools at `/openapi.json`. Credentials come from the environment: `CALLOFF_EMAIL`, `CALLOFF_KEY`."
    for tag in document["tags"]:
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(document, method.upper(), path, operation)
        for callback in document["components"]["callbacks"].values():
            for methods in callback.values():
                for method, operation in methods.items():
                    if tag["name"] in operation["tags"]:
                        yield from _callback(method.upper(), operation)
    yield from ("", "## Codes of errors", "")
    yield 'The JSON of an error is `{"error": "<sentence>", "code": "<code>"}`. Show people the sentence, which may'
    yield "become better, and let programs look at the code, which never means anything else. The XML holds the"
    yield "sentence only."
    yield from ("", "| code | what it means |", "|---|---|")
    yield from (f"| `{code}` | {_cell(code.meaning)} |" for code in Code)


def _operation(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"## {operation['summary']}", "", f"`{method} {path}`", "", operation["description"], "")
    body = operation.get("requestBody", {}).get("content", {})
    parameters = [_resolve(document, parameter) for parameter in operation["parameters"]]
    if parameters or body:
        yield from ("| name | where | |", "|---|---|---|")
    for parameter in parameters:
        yield f"| `{parameter['name']}` | {parameter['in']} | {_cell(parameter['description'])} |"
    if body:
        schema = _resolve(document, next(iter(body.values()))["schema"])
        for name, field in schema["properties"].items():
            need = ", required" if name in schema["required"] else ""
            yield f"| `{name}` | body{need} | {_cell(field['description'])} |"
        yield from ("", f"The body is {_either(list(body))}.")
    for callback in operation.get("callbacks", {}).values():
        [methods] = _resolve(document, callback).values()
        title = methods["post"]["summary"]
        yield from ("", f"What is sent to a `result_url`: [{title}](#{title.lower().replace(' ', '-')}).")
    for sample in operation["x-codeSamples"]:
        source = sample["source"].replace("{base_url}", _BASE_URL)
        for name, value in _PARAMETERS.items():
            source = source.replace(f"{{{name}}}", value)
        yield from ("", f"{sample['label']}:", "", f"```{sample['lang'].lower()}", source.rstrip(), "```")
    answers = {status: _resolve(document, answer) for status, answer in operation["responses"].items()}
    success = next(answer for status, answer in answers.items() if status.startswith("2"))
    yield from _bodies(success.get("content", {}), "The answer")
    yield from ("", "| answer | | what it says |", "|---|---|---|")
    for status, answer in answers.items():
        yield f"| {status} | {_cell(answer['description'])} | {_cell('<br>'.join(_messages(answer)))} |"


def _callback(method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield from ("", f"## {operation['summary']}", "", f"`{method} {{result_url}}`", "", operation["description"], "")
    yield from ("| name | where | |", "|---|---|---|")
    for header in operation["parameters"]:
        yield f"| `{header['name']}` | {header['in']} | {_cell(header['description'])} |"
    yield from ("", f"The body is {operation['requestBody']['description']}")
    yield from _bodies(operation["requestBody"]["content"], "The body")
    yield from ("", "| your answer | what comes of it |", "|---|---|")
    for status, answer in operation["responses"].items():
        yield f"| {status} | {_cell(answer['description'])} |"


def _bodies(content: dict[str, Any], what: str) -> Iterator[str]:
    """The example of a body in each of its representations."""
    for media_type, media in content.items():
        for example in media.get("examples", {}).values():
            language = _LANGUAGES[media_type]
            yield from ("", f"{what} as `{media_type}`:", "", f"```{language}", _text(example["value"]), "```")


def _messages(answer: dict[str, Any]) -> list[str]:
    """The sentences of an error."""
    examples = answer.get("content", {}).get("application/json", {}).get("examples", {})
    return [example["value"]["error"] for example in examples.values() if "error" in example["value"]]


def _text(example: Any) -> str:
    return example if isinstance(example, str) else json.dumps(example, ensure_ascii=False, indent=2)


def _resolve(document: dict[str, Any], thing: dict[str, Any]) -> dict[str, Any]:
    place: Any = document
    if "$ref" not in thing:
        return thing
    for name in thing["$ref"].split("/")[1:]:
        place = place[name]
    found: dict[str, Any] = place
    return found


def _either(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    REFERENCE.write_text(api_reference(), encoding="utf-8")
