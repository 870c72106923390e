"""Reads a list that a page sends as the body of a request: to look at its beginning, or to queue all of it.

The first line of the body is the rest of the form, URL-encoded; the list follows, byte for byte.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Request

from calloff.console.call_form import read_shared
from calloff.console.visitor import MAX_FORM, parse_form, pool_of
from calloff.domain.errors import InvalidInput
from calloff.domain.patience import MAX_LIST, read_patiently
from calloff.lists.bulk import RejectedRow, SharedFields, StagedRow, Upload
from calloff.lists.csv_rows import CsvRows
from calloff.lists.staging import Staging
from calloff.operations.access import DeploymentAccess
from calloff.operations.calls import queue_list

MAX_PIECE = 64 * 1024
"""Bytes of a piece to look at."""
_SHOWN = 100


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
    list_id: int | None


async def preview_list(request: Request, country: str) -> Preview:
    """The rows of the body, whose last one may be cut off and is left out.

    Raises `InvalidInput`, `TooLarge` or `TooSlow`.
    """
    chunks = read_patiently(aiter(request.stream()), MAX_FORM + MAX_PIECE)
    _, first = await _read_form(chunks)
    rows = CsvRows(country=country)
    found = rows.feed(first)
    async for chunk in chunks:
        found += rows.feed(chunk)
    if request.query_params.get("whole") == "1":
        found += rows.finish()
    good = [row for row in found if isinstance(row, StagedRow)]
    columns = list(dict.fromkeys(name for row in good[:10] for name in row.variables))
    return Preview(good[:10], [row for row in found if isinstance(row, RejectedRow)][:20], columns)


async def upload_list(request: Request, access: DeploymentAccess) -> Outcome:
    """Queue every valid row of the body.

    Raises `InvalidInput`, `TooLarge` or `TooSlow`; then nothing is queued.
    """
    async with Upload.open(request.app.state.conninfo, access.deployment_id, None) as upload:
        async with Staging(upload, access.country) as staging:
            chunks = read_patiently(aiter(request.stream()), MAX_LIST)
            shared, first = await _read_form(chunks)
            await staging.feed(first)
            async for chunk in chunks:
                await staging.feed(chunk)
            await staging.finish()
        totals = await queue_list(pool_of(request), access, upload, shared)
        shown = [row async for row in upload.rejected_rows(limit=_SHOWN)]
        return Outcome(totals.queued, totals.rejected, shown, totals.list_id)


async def _read_form(chunks: AsyncIterator[bytes]) -> tuple[SharedFields, bytes]:
    """What the first line says about every call, and the beginning of the list."""
    head = bytearray()
    while b"\n" not in head:
        chunk = await anext(chunks, None)
        if chunk is None or len(head) > MAX_FORM:
            raise InvalidInput("The list came without its form. Open the page anew and try again.")
        head += chunk
    line, _, first = bytes(head).partition(b"\n")
    return read_shared(parse_form(line)), first
