"""What the contract says of every answer, checked to the byte."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from xml.sax.saxutils import unescape

NO_DEPLOYMENT = "No deployment was found by that application id and deployment id."
"""Documented (contract, *Cancel all pending calls*)."""

_API_PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
CODES = frozenset(re.findall(r"^\| `(\w+)` \|", _API_PAGE.partition("## Codes of errors")[2], re.MULTILINE))
"""The codes that the documentation lists."""

_XML_ERROR = re.compile(r'<\?xml version="1\.0"\?>\n<result>\n  <error>([^<>]+)</error>\n</result>')
_LEAKS = re.compile(r"Traceback|File \"|line \d+|\.py\b|\.sql\b|SELECT |INSERT |UPDATE |psycopg|Error\(|Exception|0x7f")


class Response(Protocol):
    """An answer, of httpx or off the wire."""

    @property
    def status_code(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def content(self) -> bytes: ...


def assert_error(response: Response, status: int, message: str | None = None, *, xml: bool = False) -> str:
    """This status and an error body in this representation, exactly. Returns the message."""
    assert response.status_code == status, response.content[:500]
    text = response.content.decode("utf-8")
    if xml:
        assert media_type(response) == "application/xml"
        match = _XML_ERROR.fullmatch(text)
        assert match is not None, text
        found = unescape(match[1])
        assert ElementTree.fromstring(text).findtext("error") == found
    else:
        assert media_type(response) == "application/json"
        body = json.loads(text)
        found = body["error"]
        assert text == json.dumps({"error": found, "code": body["code"]}, ensure_ascii=False)
        assert body["code"] in CODES, body["code"]
    assert int(response.headers["content-length"]) == len(response.content)
    assert re.fullmatch(r"[^\n]+[.]", found), found
    assert not _LEAKS.search(found), found
    if status == 401:
        assert response.headers["www-authenticate"] == 'Basic realm="Calloff"'
    if message is not None:
        assert found == message
    return found


def media_type(response: Response) -> str:
    """The type of the body, without parameters."""
    return response.headers["content-type"].partition(";")[0].strip()


def read_xml(content: bytes) -> object:
    """The value that the XML of an answer stands for: dictionaries, lists of `item`, and text."""
    assert content.startswith(b'<?xml version="1.0"?>\n<result>')
    root = ElementTree.fromstring(content)
    assert root.tag == "result"
    return _value(root)


def as_xml_value(value: object) -> object:
    """What `read_xml` has to return for the value that the JSON of the same answer stands for."""
    if isinstance(value, dict):
        return {key: as_xml_value(item) for key, item in value.items()} or ""
    if isinstance(value, list):
        return [as_xml_value(item) for item in value] or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _value(element: ElementTree.Element) -> object:
    children = list(element)
    text = element.text or ""
    if not children:
        return text if text.strip() else ""
    assert not text.strip()
    if all(child.tag == "item" for child in children):
        return [_value(child) for child in children]
    assert len({child.tag for child in children}) == len(children)
    return {child.tag: _value(child) for child in children}
