"""The calls of a deployment: the list, the search by number, the export of both, and one call's history."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from calloff.accounts.access import Permission
from calloff.console.deployment_pages import Place, deployment_page, enter, identifier
from calloff.console.render import shown_number
from calloff.console.visitor import pool_of, read_form
from calloff.db.statements import load
from calloff.domain.calls import STATUSES, CallStatus
from calloff.domain.errors import InvalidInput, NotFound
from calloff.domain.phone import parse_number
from calloff.operations.calls import read_trace
from calloff.operations.queue import call_off_one_call, to_call
from calloff.reports.export import Format, export_pages
from calloff.reports.ladder import ladder
from calloff.reports.read import call_from_row, find_call, list_calls
from calloff.reports.traces import AttemptTrace

router = APIRouter(prefix="/apps/{application_id}/{deployment_id}/calls")
_PAGE, _EXPORT_PAGE = 50, 250
"""Calls on a page, and those that an export fetches at a time: to write them down keeps others waiting."""
_MEDIA_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


@router.get("")
async def calls(request: Request) -> Response:
    """Newest first, of one status or all, or to one number; a page holds 50, however many there are."""
    place = await enter(request, Permission.VIEW)
    status, number = _filter(request)
    before = request.query_params.get("before", "")
    last = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    error, found = None, []
    try:
        found = await _find_page(place, status, number, before=last, limit=_PAGE)
    except InvalidInput:
        error = "This is not a phone number. Type all of its 7 to 15 digits."
    return await deployment_page(
        place,
        "calls.html",
        tab="calls",
        calls=found,
        statuses=STATUSES,
        status_filter=status,
        number=number,
        is_first=last is None,
        has_more=len(found) == _PAGE,
        error=error,
    )


@router.get("/export/{form}")
async def export(request: Request) -> Response:
    """All calls of the present filter as a file, newest first, `csv` or `jsonl`."""
    place = await enter(request, Permission.VIEW)
    form: Format = "jsonl" if request.path_params["form"] == "jsonl" else "csv"
    if request.path_params["form"] != form:
        raise NotFound("There is no such page.")
    status, number = _filter(request)
    if number:
        parse_number(number, "number")
    headers = {"Content-Disposition": f'attachment; filename="calls-{place.deployment_id}.{form}"'}
    pages = _pages(place, status, number)
    return StreamingResponse(export_pages(pages, form), media_type=_MEDIA_TYPES[form], headers=headers)


@router.get("/{call_id}")
async def call(request: Request) -> Response:
    """One call, event by event."""
    place = await enter(request, Permission.VIEW)
    found = await _find(place)
    shown = {} if found.is_pci else {**found.variables}
    async with pool_of(request).connection() as connection:
        parameters = {"call_id": found.call_id, "deployment_id": place.deployment_id}
        callback = await (await connection.execute(load("calloff.console", "find_callback"), parameters)).fetchone()
    return await deployment_page(
        place,
        "call.html",
        tab="calls",
        call=found,
        shown_number=shown_number(found),
        variables=shown,
        callback=callback,
        ladders=[ladder(trace, is_masked=found.is_pci) for trace in await _traces(place, found)],
    )


async def _traces(place: Place, call: CallStatus) -> list[AttemptTrace]:
    pool = pool_of(place.request)
    return await read_trace(pool, await to_call(pool, place.access.actor, call.call_id))


@router.post("/{call_id}/cancel")
async def cancel(request: Request) -> Response:
    """Call off this one call."""
    place = await enter(request, call_off_one_call.right)
    await read_form(request, place.session)
    found = await _find(place)
    access = await to_call(pool_of(request), place.access.actor, found.call_id)
    await call_off_one_call(pool_of(request), access)
    may_view = Permission.VIEW in place.may
    return RedirectResponse(f"{place.url}/calls/{found.call_id}" if may_view else place.first_page, 303)


async def _find(place: Place) -> CallStatus:
    found = await find_call(pool_of(place.request), identifier(place.request, "call_id"))
    if found is None or found.deployment_id != place.deployment_id:
        raise NotFound("There is no such call in this deployment.")
    return found


def _filter(request: Request) -> tuple[str, str]:
    """The status and the number that calls are to have; empty for any."""
    query = request.query_params
    return query.get("status", ""), query.get("number", "").strip()


async def _pages(place: Place, status: str, number: str) -> AsyncIterator[list[CallStatus]]:
    """Every call of the filter, a page at a time; between two of them, no connection is held."""
    last = None
    while page := await _find_page(place, status, number, before=last, limit=_EXPORT_PAGE):
        yield page
        last = page[-1].call_id


async def _find_page(place: Place, status: str, number: str, *, before: int | None, limit: int) -> list[CallStatus]:
    """The next calls of the filter. Raises `InvalidInput` for a number that is none."""
    if number:
        return await _search(place, number, before=before, limit=limit)
    statuses = [status] if status in STATUSES else STATUSES
    return await list_calls(pool_of(place.request), place.deployment_id, limit=limit, before=before, statuses=statuses)


async def _search(place: Place, number: str, *, before: int | None, limit: int) -> list[CallStatus]:
    digits = parse_number(number, "number").removeprefix("+")
    parameters = {
        "deployment_id": place.deployment_id,
        "numbers": [digits, f"+{digits}"],
        "before": before or 2**62,
        "limit": limit,
    }
    async with pool_of(place.request).connection() as connection:
        cursor = await connection.execute(load("calloff.console", "search_calls"), parameters)
        return [call_from_row(row) for row in await cursor.fetchall()]
