"""Reads the body of a request into its fields, within limits, whatever way it is encoded."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from python_multipart.multipart import parse_options_header

from calloff.api.errors import UnsupportedBody
from calloff.api.multipart import MultipartStream
from calloff.contract.fields import Fields, check_text, understand_fields
from calloff.domain.codes import Code
from calloff.domain.errors import InvalidInput, TooLarge, TooSlow

MAX_BODY = 256 * 1024
"""Bytes of a body that is not a bulk upload."""
BODY_SECONDS = 20.0
"""In which a body that is not a bulk upload has to come."""
_MAX_FIELDS = 100


async def read_fields(request: Request) -> Fields:
    """The fields of a form or of a JSON object.

    Raises `InvalidInput`, `TooLarge` above 256 KiB, or `UnsupportedBody`.
    """
    refuse_compressed(request)
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
    fields = understand_fields(reader(await _read_body(request)), form=content_type.lower() != b"application/json")
    check_text(fields)
    return fields


def refuse_compressed(request: Request) -> None:
    """Raises `UnsupportedBody` for a body whose size nobody knows before it is unpacked."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedBody("The body is compressed. Send it without Content-Encoding.")


async def _read_body(request: Request) -> bytes:
    too_large = TooLarge(f"The body is larger than {MAX_BODY // 1024} KiB. Send less, or use bulk_queue.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_BODY:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise too_large
    except TimeoutError:
        raise TooSlow(f"The body did not come within {BODY_SECONDS:.0f} seconds. Send it without pauses.") from None
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
        raise InvalidInput(
            "The form is not URL-encoded UTF-8. Encode it as name=value pairs joined by &.", code=Code.BODY_MALFORMED
        ) from error
    return unique_fields(pairs)


def _read_multipart(body: bytes, boundary: bytes) -> Fields:
    stream = MultipartStream(boundary)
    values: list[tuple[str, bytearray]] = []
    opened = False
    for piece in stream.feed(body):
        if piece.is_file:
            raise InvalidInput(
                "A file was sent where a field is expected. Send files to bulk_queue.", code=Code.BODY_MALFORMED
            )
        if not opened:
            values.append((piece.name, bytearray()))
        values[-1][1].extend(piece.data)
        opened = not piece.ends
    stream.finish()
    return unique_fields([(name, decode_field(bytes(value))) for name, value in values])


def decode_field(value: bytes) -> str:
    """The text of a form's field. Raises `InvalidInput` if it is not UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("A field of the form is not UTF-8. Encode it as UTF-8.", code=Code.BODY_MALFORMED) from error


def _read_json(body: bytes) -> Fields:
    try:
        fields = json.loads(body.decode(), object_pairs_hook=unique_fields, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "The body is not valid JSON in UTF-8. Send one JSON object.", code=Code.BODY_MALFORMED
        ) from error
    if not isinstance(fields, dict):
        raise InvalidInput("The body is not a JSON object. Send the fields as one object.", code=Code.BODY_MALFORMED)
    return fields


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def unique_fields(pairs: list[tuple[str, Any]]) -> Fields:
    """The pairs as fields. Raises `InvalidInput` if there are too many, or one twice."""
    if len(pairs) > _MAX_FIELDS:
        raise InvalidInput("The body has too many fields. Send each field once.", code=Code.BODY_MALFORMED)
    fields: Fields = {}
    for name, value in pairs:
        if name in fields:
            raise InvalidInput(f"{name[:60]!r} was sent twice. Send each field once.", code=Code.FIELD_REPEATED)
        fields[name] = value
    return fields
