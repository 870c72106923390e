"""Queue many calls."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from calloff.api.authentication import conninfo_of, pool_of, uploads_of
from calloff.api.idempotency_keys import idempotency_key
from calloff.api.identifiers import enter
from calloff.api.uploads import read_upload
from calloff.contract.rendering import escape_xml, prefers_xml
from calloff.domain.patience import patience
from calloff.lists.bulk import RejectedRow, Totals, Upload
from calloff.operations.calls import queue_list

router = APIRouter(prefix="/api/apps/{application_id}/{deployment_id}")
_CHUNK = 64 * 1024


@router.post("/bulk_queue")
async def bulk_queue(request: Request) -> Response:
    """Queue every valid row of a list, in one transaction; the answer, too, is streamed."""
    access = await enter(request, queue_list, deleted_is_conflict=True)
    stack = AsyncExitStack()
    async with stack:
        await stack.enter_async_context(uploads_of(request).take(access.account_id))
        upload = await stack.enter_async_context(
            Upload.open(conninfo_of(request), access.deployment_id, idempotency_key(request, access.deployment_id))
        )
        shared, fingerprint = await read_upload(request, upload, access.country)
        totals = await queue_list(pool_of(request), access, upload, shared, fingerprint)
        is_xml = prefers_xml(request.headers.getlist("accept"))
        pieces = _xml(upload, totals) if is_xml else _json(upload, totals)
        return _Answer(_joined(pieces), "application/xml" if is_xml else "application/json", stack.pop_all())


class _Answer(StreamingResponse):
    """A streamed answer that lets go of its upload when it was sent, or could not be."""

    def __init__(self, pieces: AsyncIterator[bytes], media_type: str, upload: AsyncExitStack) -> None:
        super().__init__(pieces, media_type=media_type)
        self._upload = upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer (ASGI)."""
        async with self._upload:
            with contextlib.suppress(TimeoutError):
                await super().__call__(scope, receive, _in_time(send))


def _in_time(send: Send) -> Send:
    """A `send` that has the same patience with a client that takes in the answer as with one that sends a list."""
    taken, waited = 0, 0.0

    async def send_in_time(message: Message) -> None:
        nonlocal taken, waited
        now = asyncio.get_running_loop().time
        since = now()
        async with asyncio.timeout(patience(taken, waited)):
            await send(message)
        waited += now() - since
        taken += len(message.get("body", b""))

    return send_in_time


async def _json(upload: Upload, totals: Totals) -> AsyncIterator[str]:
    yield '{"call_ids": ['
    separator = ""
    async for call_id in upload.call_ids():
        yield f'{separator}"{call_id}"'
        separator = ", "
    yield f'], "queued": {totals.queued}, "rejected": {totals.rejected}, '
    yield f'"list_id": {json.dumps(totals.list_id and str(totals.list_id))}, "errors": ['
    separator = ""
    async for row in upload.rejected_rows():
        yield separator + json.dumps(_error(row), ensure_ascii=False)
        separator = ", "
    yield "]}"


async def _xml(upload: Upload, totals: Totals) -> AsyncIterator[str]:
    yield '<?xml version="1.0"?>\n<result>\n  <call_ids>\n'
    async for call_id in upload.call_ids():
        yield f"    <item>{call_id}</item>\n"
    yield f"  </call_ids>\n  <queued>{totals.queued}</queued>\n  <rejected>{totals.rejected}</rejected>\n"
    yield f"  <list_id>{totals.list_id or ''}</list_id>\n  <errors>\n"
    async for row in upload.rejected_rows():
        fields = "".join(f"      <{name}>{escape_xml(value)}</{name}>\n" for name, value in _error(row).items())
        yield f"    <item>\n{fields}    </item>\n"
    yield "  </errors>\n</result>"


def _error(row: RejectedRow) -> dict[str, object]:
    return {"line": row.line, "value": row.value, "error": row.error}


async def _joined(pieces: AsyncIterator[str]) -> AsyncIterator[bytes]:
    """Fewer and larger pieces, each of which costs a system call."""
    chunk = bytearray()
    async for piece in pieces:
        chunk += piece.encode()
        if len(chunk) >= _CHUNK:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)
