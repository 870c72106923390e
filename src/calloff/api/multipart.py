"""Reads multipart/form-data as it streams in (RFC 7578)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from calloff.domain.codes import Code, Said
from calloff.domain.errors import InvalidInput

_MAX_HEADER = 8 * 1024
_MALFORMED = Said(Code.BODY_MALFORMED, "The form is not well-formed multipart/form-data. Check its boundary and parts.")


@dataclass(frozen=True, slots=True)
class PartData:
    """A piece of a part; the last piece of a part is empty and has `ends` set."""

    name: str
    is_file: bool
    data: bytes
    ends: bool = False


class MultipartStream:
    """Turns chunks of a body into pieces of its parts: `feed` each chunk, then `finish`.

    Both raise `InvalidInput` if the form is malformed, a part has no name, or its end is missing.
    """

    def __init__(self, boundary: bytes) -> None:
        self._pieces: list[PartData] = []
        self._headers: dict[bytes, bytes] = {}
        self._header, self._value = bytearray(), bytearray()
        self._name, self._is_file = "", False
        self._complete = False
        callbacks: Any = {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, start, end: self._grow(self._header, data[start:end]),
            "on_header_value": lambda data, start, end: self._grow(self._value, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_data,
            "on_part_data": lambda data, start, end: self._piece(data[start:end]),
            "on_part_end": lambda: self._piece(b"", ends=True),
            "on_end": self._end,
        }
        try:
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise InvalidInput(_MALFORMED) from error

    def feed(self, chunk: bytes) -> Iterator[PartData]:
        """The pieces that `chunk` brings."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise InvalidInput(_MALFORMED) from error
        pieces, self._pieces = self._pieces, []
        return iter(pieces)

    def finish(self) -> None:
        """Make sure that the form was complete."""
        if not self._complete:
            raise InvalidInput("The form ends before its closing boundary. Send all of it.", code=Code.BODY_MALFORMED)

    def _grow(self, text: bytearray, data: bytes) -> None:
        text += data
        if len(text) > _MAX_HEADER:
            raise InvalidInput("A part's header is too long. Shorten it.", code=Code.BODY_MALFORMED)

    def _end_header(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _begin_data(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if disposition != b"form-data" or b"name" not in options:
            raise InvalidInput(
                "A part of the form has no name. Give it a Content-Disposition with a name.", code=Code.BODY_MALFORMED
            )
        try:
            self._name = options[b"name"].decode()
        except UnicodeDecodeError as error:
            raise InvalidInput("A field's name is not UTF-8. Encode it as UTF-8.", code=Code.BODY_MALFORMED) from error
        self._is_file = b"filename" in options

    def _piece(self, data: bytes, *, ends: bool = False) -> None:
        self._pieces.append(PartData(self._name, self._is_file, data, ends))

    def _end(self) -> None:
        self._complete = True
