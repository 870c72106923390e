"""The calls of a deployment: the list, the search by number, and one call's history."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from calloff.accounts.access import Permission
from calloff.console.deployment_pages import Place, deployment_page, enter, identifier
from calloff.console.render import shown_number
from calloff.console.visitor import pool_of, read_form
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput, NotFound
from calloff.domain.phone import parse_number
from calloff.queue.cancel import cancel_call
from calloff.queue.read import STATUSES, CallStatus, find_call, list_calls

router = APIRouter(prefix="/apps/{application_id}/{deployment_id}/calls")
_PAGE = 50


@router.get("")
async def calls(request: Request) -> Response:
    """Newest first, of one status or all, or to one number; a page holds 50, however many there are."""
    place = await enter(request, Permission.VIEW)
    query = request.query_params
    status, number, before = query.get("status", ""), query.get("number", "").strip(), query.get("before", "")
    last = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    error, found = None, []
    if number:
        try:
            found = await _search(place, number, last)
        except InvalidInput:
            error = "This is not a phone number. Type all of its 7 to 15 digits."
    else:
        statuses = [status] if status in STATUSES else STATUSES
        found = await list_calls(pool_of(request), place.deployment_id, limit=_PAGE, before=last, statuses=statuses)
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
    )


@router.post("/{call_id}/cancel")
async def cancel(request: Request) -> Response:
    """Call off this one call."""
    place = await enter(request, Permission.CANCEL)
    await read_form(request, place.session)
    found = await _find(place)
    await cancel_call(pool_of(request), place.deployment_id, found.call_id)
    await place.record("call off one call", f"call {found.call_id}")
    return RedirectResponse(f"{place.url}/calls/{found.call_id}", 303)


async def _find(place: Place) -> CallStatus:
    found = await find_call(pool_of(place.request), identifier(place.request, "call_id"))
    if found is None or found.deployment_id != place.deployment_id:
        raise NotFound("There is no such call in this deployment.")
    return found


async def _search(place: Place, number: str, before: int | None) -> list[CallStatus]:
    digits = parse_number(number, "number").removeprefix("+")
    parameters = {
        "deployment_id": place.deployment_id,
        "numbers": [digits, f"+{digits}"],
        "before": before or 2**62,
        "limit": _PAGE,
    }
    async with pool_of(place.request).connection() as connection:
        cursor = await connection.execute(load("calloff.console", "search_calls"), parameters)
        return [CallStatus.from_row(row) for row in await cursor.fetchall()]
