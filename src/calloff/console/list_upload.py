"""Reads a list that a page sends as the plain body of a request: to look at its beginning, or to queue all of it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request

from calloff.domain.errors import InvalidInput
from calloff.domain.schedule import Schedule
from calloff.queue.bulk import RejectedRow, SharedFields, StagedRow, Upload
from calloff.queue.csv_rows import CsvRows

MAX_LIST = 512 * 1024 * 1024
"""Bytes of a list."""
MAX_PIECE = 64 * 1024
"""Bytes of a piece to look at."""
_STALL_SECONDS = 30
_PIECE = 8 * 1024
_BATCH = 2000
_SHOWN = 100
_uploads_at_once = asyncio.Semaphore(4)


@dataclass(frozen=True, slots=True)
class Preview:
    """What the first rows of a list would become."""

    rows: list[StagedRow]
    rejected: list[RejectedRow]
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What has become of a list."""

    queued: int
    rejected: int
    shown: list[RejectedRow]
    """The first of the rejected rows."""


async def preview_list(request: Request) -> Preview:
    """The rows of the body, whose last one may be cut off and is left out. Raises `InvalidInput`."""
    rows = CsvRows()
    found: list[StagedRow | RejectedRow] = []
    async for chunk in _chunks(request, MAX_PIECE):
        found += rows.feed(chunk)
    if request.query_params.get("whole") == "1":
        found += rows.finish()
    good = [row for row in found if isinstance(row, StagedRow)]
    columns = list(dict.fromkeys(name for row in good[:10] for name in row.variables))
    return Preview(good[:10], [row for row in found if isinstance(row, RejectedRow)][:20], columns)


async def queue_list(request: Request, conninfo: str, deployment_id: int) -> Outcome:
    """Queue every valid row of the body in one transaction. Raises `InvalidInput`; then nothing is queued."""
    async with _uploads_at_once, Upload.open(conninfo, deployment_id, None) as upload:
        rows = CsvRows()
        batch: list[StagedRow | RejectedRow] = []
        async for chunk in _chunks(request, MAX_LIST):
            for start in range(0, len(chunk), _PIECE):
                batch += rows.feed(chunk[start : start + _PIECE])
                # A fast sender must not keep other requests from their turn.
                await asyncio.sleep(0)
            if len(batch) >= _BATCH:
                await upload.stage(batch)
                batch = []
        await upload.stage(batch + rows.finish())
        is_pci = request.query_params.get("is_pci") == "1"
        totals = await upload.queue(SharedFields(Schedule(), None, is_pci, {}), b"")
        shown: list[RejectedRow] = []
        async for row in upload.rejected_rows():
            if len(shown) < _SHOWN:
                shown.append(row)
        return Outcome(totals.queued, totals.rejected, shown)


async def _chunks(request: Request, most: int) -> AsyncIterator[bytes]:
    size = 0
    body = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(_STALL_SECONDS):
                chunk = await anext(body, None)
        except TimeoutError:
            raise InvalidInput("The list came in too slowly. Send it again.") from None
        if chunk is None:
            return
        size += len(chunk)
        if size > most:
            raise InvalidInput(f"The list is larger than {most // 1024} KiB. Send it in several parts.")
        yield chunk
