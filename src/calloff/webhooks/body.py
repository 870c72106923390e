"""The body of a callback: the call's details, as JSON or as a form with nested keys in brackets."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode


def encode_body(details: Mapping[str, Any], callback_format: str) -> tuple[str, str]:
    """The content type and the body for `details`; `callback_format` is the deployment's, `json` or `form`."""
    if callback_format == "form":
        return "application/x-www-form-urlencoded", urlencode(list(_flat("", details)))
    return "application/json", json.dumps(details, ensure_ascii=False)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """`events[0][event]=queued`: how forms write what is nested."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(f"{name}[{key}]" if name else str(key), item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for place, item in enumerate(value):
            yield from _flat(f"{name}[{place}]", item)
    else:
        yield name, "" if value is None else str(value)
