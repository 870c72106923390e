"""Reads a bulk upload as it streams in: the rows of its list go to the stage, its fields are kept."""

import asyncio
import hashlib

from fastapi import Request
from python_multipart.multipart import parse_options_header

from calloff.api.bodies import check_text, decode_field, refuse_compressed, unique_fields
from calloff.api.call_requests import (
    SHARED_FIELDS,
    parse_is_pci,
    parse_result_url,
    parse_schedule,
    parse_variables,
    refuse_unknown,
)
from calloff.api.csv_rows import CsvRows
from calloff.api.errors import TooLarge, UnsupportedBody
from calloff.api.multipart import MultipartStream
from calloff.domain.errors import InvalidInput
from calloff.queue.bulk import RejectedRow, SharedFields, StagedRow, Upload
from calloff.queue.idempotency import fingerprint_of

MAX_UPLOAD = 512 * 1024 * 1024
"""Bytes of a bulk upload."""
_MAX_FIELD = 128 * 1024
_BATCH = 5000
_PIECE = 64 * 1024


async def read_upload(request: Request, upload: Upload) -> tuple[SharedFields, bytes]:
    """Stage every row of the list; returns what holds for all of them, and the fingerprint of the request.

    Raises `InvalidInput`, `UnsupportedBody`, or `TooLarge` above 512 MiB.
    """
    stream = MultipartStream(_boundary(request))
    reader = _Reader(upload)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_UPLOAD:
            raise TooLarge(f"The upload is larger than {MAX_UPLOAD // 1024**2} MiB. Send it in several parts.")
        for piece in stream.feed(chunk):
            if piece.name == "csv":
                await reader.take_list(piece.data, ends=piece.ends)
            else:
                reader.take_field(piece.name, piece.data, ends=piece.ends)
    stream.finish()
    return await reader.finish()


def _boundary(request: Request) -> bytes:
    refuse_compressed(request)
    content_type, options = parse_options_header(request.headers.get("content-type", ""))
    if content_type != b"multipart/form-data":
        raise UnsupportedBody("A bulk upload has to be multipart/form-data. Send the list as its part csv.")
    return options.get(b"boundary", b"")


class _Reader:
    """Collects the parts of the form."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._list: CsvRows | None = None
        self._list_ended = False
        self._digest = hashlib.sha256()
        self._batch: list[StagedRow | RejectedRow] = []
        self._fields: list[tuple[str, str]] = []
        self._value = bytearray()

    async def take_list(self, data: bytes, *, ends: bool) -> None:
        if self._list_ended:
            raise InvalidInput("csv was sent twice. Send one list.")
        if self._list is None:
            self._list = CsvRows()
        self._digest.update(data)
        for start in range(0, len(data), _PIECE):
            self._batch += self._list.feed(data[start : start + _PIECE])
            # A fast sender must not keep other requests from their turn.
            await asyncio.sleep(0)
        if ends:
            self._batch += self._list.finish()
            self._list_ended = True
        if ends or len(self._batch) >= _BATCH:
            await self._upload.stage(self._batch)
            self._batch = []

    def take_field(self, name: str, data: bytes, *, ends: bool) -> None:
        self._value += data
        if len(self._value) > _MAX_FIELD:
            raise InvalidInput("A field is too long. Send the list as the part csv.")
        if ends:
            self._fields.append((name, decode_field(bytes(self._value))))
            self._value.clear()

    async def finish(self) -> tuple[SharedFields, bytes]:
        if not self._list_ended:
            raise InvalidInput("csv is missing. Send the list as the part csv of the form.")
        fields = unique_fields(self._fields)
        check_text(fields)
        refuse_unknown(fields, SHARED_FIELDS)
        shared = SharedFields(
            parse_schedule(fields), parse_result_url(fields), parse_is_pci(fields), dict(parse_variables(fields) or {})
        )
        return shared, fingerprint_of({**fields, "csv": self._digest.hexdigest()})
