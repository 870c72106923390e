"""What is said on the wire as JSON, XML or a form, and which one a client asks for (RFC 9110 section 12.5.1)."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

JSON, XML, FORM = "application/json", "application/xml", "application/x-www-form-urlencoded"
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0 section 2.2: what no document may contain, not even escaped."""


def to_json(content: Mapping[str, Any]) -> str:
    """`content` as the documentation writes it."""
    return json.dumps(content, ensure_ascii=False, separators=(", ", ": "))


def prefers_xml(accept: Sequence[str]) -> bool:
    """Whether XML has the higher quality in these `Accept` headers; a tie, `*/*` or no header is JSON."""
    ranges = [_parse_range(part) for header in accept for part in header.split(",") if part.strip()]
    return _quality(XML, ranges) > _quality(JSON, ranges)


def to_xml(content: Mapping[str, Any]) -> str:
    """`content` below `<result>`: a mapping is its elements, a list its `<item>`s, None an empty element."""
    return '<?xml version="1.0"?>\n<result>\n' + "".join(_elements(content, 1)) + "</result>"


def encode_body(details: Mapping[str, Any], callback_format: str) -> tuple[str, str]:
    """The content type and the body of a callback; `callback_format` is the deployment's, `json` or `form`."""
    return (FORM, to_form(details)) if callback_format == "form" else (JSON, to_json(details))


def to_form(content: Mapping[str, Any]) -> str:
    """`content` URL-encoded, what is nested with its keys in brackets."""
    return urlencode(list(_flat("", content)))


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


def _elements(content: Mapping[str, Any], depth: int) -> list[str]:
    return [_element(str(name), value, depth) for name, value in content.items()]


def _element(name: str, value: Any, depth: int) -> str:
    indent = "  " * depth
    if isinstance(value, Mapping):
        # A variable's name is its author's, and need not be one that XML allows.
        if not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", str(key)) for key in value):
            items = [{"name": key, "value": item} for key, item in value.items()]
            return _element(name, items, depth)
        inner = "".join(_elements(value, depth + 1))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        inner = "".join(_element("item", item, depth + 1) for item in value)
    else:
        return f"{indent}<{name}>{escape_xml(value)}</{name}>\n"
    return f"{indent}<{name}>\n{inner}{indent}</{name}>\n"


def escape_xml(value: object) -> str:
    """`value` as the text of an element; what XML cannot hold becomes U+FFFD."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(_NOT_IN_XML.sub("\ufffd", str(value)))


def _parse_range(text: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media_range, min(1.0, max(0.0, float(value)))
            except ValueError:
                return media_range, 0.0
    return media_range, 1.0


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """The quality of the most specific range that matches."""
    for candidate in (media_type, "application/*", "*/*"):
        qualities = [quality for media_range, quality in ranges if media_range == candidate]
        if qualities:
            return max(qualities)
    return 0.0
