"""Reads the body of a request into its fields, within limits, whatever way it is encoded."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from calloff.api.errors import TooLarge, UnsupportedBody
from calloff.domain.errors import InvalidInput

MAX_BODY = 256 * 1024
"""Bytes of a body that is not a bulk upload."""
_MAX_FIELDS = 100

Fields = dict[str, Any]
"""The values of a body by their field names: strings from a form, whatever it holds from JSON."""


async def read_fields(request: Request) -> Fields:
    """The fields of a form or of a JSON object.

    Raises `InvalidInput`, `TooLarge` above 256 KiB, or `UnsupportedBody`.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedBody("The body is compressed. Send it without Content-Encoding.")
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    readers: dict[bytes, Callable[[bytes], Fields]] = {
        b"application/x-www-form-urlencoded": _read_urlencoded,
        b"multipart/form-data": lambda body: _read_multipart(body, options.get(b"boundary", b"")),
        b"application/json": _read_json,
    }
    reader = readers.get(content_type.lower())
    if reader is None:
        raise UnsupportedBody(
            "The body's Content-Type is not supported. Send multipart/form-data, "
            "application/x-www-form-urlencoded or application/json."
        )
    fields = reader(await _read_body(request))
    _check_text(fields)
    return fields


async def _read_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise TooLarge(f"The body is larger than {MAX_BODY // 1024} KiB. Send less, or use bulk_queue.")
    return bytes(body)


def _read_urlencoded(body: bytes) -> Fields:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise InvalidInput("The form is not URL-encoded UTF-8. Encode it as name=value pairs joined by &.") from error
    return _unique(pairs)


def _read_multipart(body: bytes, boundary: bytes) -> Fields:
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks())
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise InvalidInput("The form is not well-formed multipart/form-data. Check its boundary and parts.") from error
    if not parts.complete:
        raise InvalidInput("The multipart form has no closing boundary. Send all of it.")
    return _unique(parts.pairs())


class _Parts:
    """Collects the parts of a form as the parser finds them."""

    def __init__(self) -> None:
        self.complete = False
        self._parts: list[tuple[dict[bytes, bytes], bytearray]] = []
        self._header = bytearray()
        self._value = bytearray()

    def callbacks(self) -> Any:
        """For `MultipartParser`."""
        return {
            "on_part_begin": lambda: self._parts.append(({}, bytearray())),
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": lambda data, start, end: self._parts[-1][1].extend(data[start:end]),
            "on_end": self._end,
        }

    def pairs(self) -> list[tuple[str, str]]:
        """The names and values of the parts. Raises `InvalidInput`."""
        if len(self._parts) > _MAX_FIELDS:
            raise InvalidInput("The form has too many fields. Send each field once.")
        return [self._pair(headers, bytes(value)) for headers, value in self._parts]

    def _pair(self, headers: dict[bytes, bytes], value: bytes) -> tuple[str, str]:
        disposition, options = parse_options_header(headers.get(b"content-disposition", b""))
        if disposition != b"form-data" or b"name" not in options:
            raise InvalidInput("A part of the form has no name. Give it a Content-Disposition with a name.")
        if b"filename" in options:
            raise InvalidInput("A file was sent where a field is expected. Send files to bulk_queue.")
        try:
            return options[b"name"].decode(), value.decode()
        except UnicodeDecodeError as error:
            raise InvalidInput("A field of the form is not UTF-8. Encode it as UTF-8.") from error

    def _end_header(self) -> None:
        self._parts[-1][0][bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _end(self) -> None:
        self.complete = True


def _read_json(body: bytes) -> Fields:
    try:
        fields = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("The body is not valid JSON in UTF-8. Send one JSON object.") from error
    if not isinstance(fields, dict):
        raise InvalidInput("The body is not a JSON object. Send the fields as one object.")
    return fields


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]]) -> Fields:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidInput("A field was sent twice. Send each field once.")
    return fields


def _check_text(value: object) -> None:
    """PostgreSQL stores neither NUL nor a lone surrogate, and neither means anything here."""
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise InvalidInput("A field holds a NUL or an invalid character. Remove it.")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)
