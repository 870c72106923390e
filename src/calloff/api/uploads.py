"""Reads a bulk upload as it streams in: the rows of its list go to the stage, its fields are kept."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from python_multipart.multipart import parse_options_header

from calloff.api.bodies import decode_field, refuse_compressed, unique_fields
from calloff.api.errors import Busy, TooLarge, TooSlow, UnsupportedBody
from calloff.api.multipart import MultipartStream
from calloff.db.background import end_tasks
from calloff.domain.call_requests import (
    SHARED_FIELDS,
    check_text,
    parse_is_pci,
    parse_result_url,
    parse_schedule,
    parse_variables,
    refuse_unknown,
)
from calloff.domain.errors import InvalidInput
from calloff.domain.patience import patience
from calloff.queue.bulk import RejectedRow, SharedFields, StagedRow, Upload
from calloff.queue.csv_rows import CsvRows
from calloff.queue.idempotency import fingerprint_of

MAX_UPLOAD = 512 * 1024 * 1024
"""Bytes of a bulk upload."""
MAX_UPLOADS = 8
"""Uploads at a time in one process: each has a connection to the database of its own."""
_WAIT_SECONDS = 10.0
_MAX_FIELD = 128 * 1024
_MAX_FIELDS = 100
_BATCH_ROWS = 5000
_BATCH_BYTES = 1024 * 1024
# What is parsed in one go keeps every other request waiting.
_PIECE = 8 * 1024


class UploadSlots:
    """The places of a process for uploads."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(MAX_UPLOADS)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Hold a place. Raises `Busy` if none comes free within 10 s."""
        try:
            await asyncio.wait_for(self._slots.acquire(), _WAIT_SECONDS)
        except TimeoutError:
            raise Busy("Too many lists are being uploaded. Try again in a moment.") from None
        try:
            yield
        finally:
            self._slots.release()


def slots_of(request: Request) -> UploadSlots:
    """The places of the running application."""
    slots: UploadSlots = request.app.state.upload_slots
    return slots


async def read_upload(request: Request, upload: Upload) -> tuple[SharedFields, bytes]:
    """Stage every row of the list; returns what holds for all of them, and the fingerprint of the request.

    Raises `InvalidInput`, `UnsupportedBody`, `TooLarge` above 512 MiB, or `TooSlow`.
    """
    stream = MultipartStream(_boundary(request))
    reader = _Reader(upload)
    try:
        async for chunk in _chunks(request):
            for piece in stream.feed(chunk):
                if piece.name == "csv":
                    await reader.take_list(piece.data, ends=piece.ends)
                else:
                    reader.take_field(piece.name, piece.data, ends=piece.ends)
        stream.finish()
        return await reader.finish()
    except TimeoutError:
        raise TooSlow("The upload came in too slowly. Send it again.") from None
    finally:
        await reader.close()


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    too_large = TooLarge(f"The upload is larger than {MAX_UPLOAD // 1024**2} MiB. Send it in several parts.")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_UPLOAD:
        raise too_large
    size, waited = 0, 0.0
    body, now = aiter(request.stream()), asyncio.get_running_loop().time
    while True:
        since = now()
        async with asyncio.timeout(patience(size, waited)):
            chunk = await anext(body, None)
        waited += now() - since
        if chunk is None:
            return
        size += len(chunk)
        if size > MAX_UPLOAD:
            raise too_large
        yield chunk


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
        self._batch_bytes = 0
        self._staging: asyncio.Task[None] | None = None
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
        self._batch_bytes += len(data)
        if ends:
            self._batch += self._list.finish()
            self._list_ended = True
        if ends or len(self._batch) >= _BATCH_ROWS or self._batch_bytes >= _BATCH_BYTES:
            # The server takes one batch while the next one is read.
            await self._staged()
            self._staging = asyncio.create_task(self._upload.stage(self._batch))
            self._batch, self._batch_bytes = [], 0

    def take_field(self, name: str, data: bytes, *, ends: bool) -> None:
        self._value += data
        if len(self._value) > _MAX_FIELD:
            raise InvalidInput("A field is too long. Send the list as the part csv.")
        if len(self._fields) >= _MAX_FIELDS:
            raise InvalidInput("The form has too many fields. Send each field once.")
        if ends:
            self._fields.append((name, decode_field(bytes(self._value))))
            self._value.clear()

    async def close(self) -> None:
        if self._staging is not None:
            await end_tasks(self._staging)

    async def _staged(self) -> None:
        if self._staging is not None:
            await self._staging

    async def finish(self) -> tuple[SharedFields, bytes]:
        if not self._list_ended:
            raise InvalidInput("csv is missing. Send the list as the part csv of the form.")
        await self._staged()
        fields = unique_fields(self._fields)
        check_text(fields)
        refuse_unknown(fields, SHARED_FIELDS)
        shared = SharedFields(
            parse_schedule(fields), parse_result_url(fields), parse_is_pci(fields), dict(parse_variables(fields) or {})
        )
        return shared, fingerprint_of({**fields, "csv": self._digest.hexdigest()})
