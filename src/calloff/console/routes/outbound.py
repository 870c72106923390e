"""The Outbound page: live numbers and the chart, queueing by hand, pause and resume."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from calloff.accounts.access import Permission
from calloff.console.call_form import in_words, read_call
from calloff.console.deployment_pages import Place, deployment_page, enter
from calloff.console.numbers import draw_chart, live_numbers
from calloff.console.render import fragment
from calloff.console.visitor import pool_of, read_form
from calloff.domain.errors import CalloffError, InvalidInput
from calloff.operations import queue
from calloff.operations.calls import queue_call
from calloff.reports.read import list_calls

router = APIRouter(prefix="/apps/{application_id}/{deployment_id}")

_TICK, _CHART_EVERY, _LONGEST_STREAM = 1.0, 5, 60
"""Seconds between two looks at the counters, looks between two charts, and looks until the browser asks anew."""
MAGIC_NUMBERS = (
    ("0001", "busy", 486),
    ("0002", "no_answer", 480),
    ("0003", "declined", 603),
    ("0004", "invalid_number", 404),
    ("0005", "carrier_error", 503),
    ("0006", "answeringmachine", 200),
    ("0007", "fax", 200),
    ("any other", "voice", 200),
)
"""What the simulated trunk does with a number that ends so (design, *Dialing*)."""


@router.get("")
async def outbound(request: Request) -> Response:
    """What goes on in the deployment now; whoever may not view it is led to what they may do."""
    place = await enter(request, *Permission)
    if Permission.VIEW not in place.may:
        return RedirectResponse(place.first_page, 303)
    pool = pool_of(request)
    return await deployment_page(
        place,
        "outbound.html",
        tab="outbound",
        chart=await draw_chart(pool, place.deployment_id),
        calls=await list_calls(pool, place.deployment_id, limit=8),
    )


@router.get("/live")
async def live(request: Request) -> Response:
    """A stream of the numbers and the chart (server-sent events), a minute long; then the browser comes back."""
    place = await enter(request, Permission.VIEW)
    return StreamingResponse(
        _stream(request, place.deployment_id), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


@router.get("/stops")
async def stops(request: Request) -> Response:
    """What calling everything off would stop now, for the question."""
    place = await enter(request, Permission.CANCEL)
    numbers = await live_numbers(pool_of(request), place.deployment_id)
    return HTMLResponse(fragment("_stops.html", numbers=numbers))


async def _stream(request: Request, deployment_id: int) -> AsyncIterator[str]:
    pool = pool_of(request)
    shown = None
    for look in range(_LONGEST_STREAM):
        numbers = await live_numbers(pool, deployment_id)
        if numbers != shown:
            shown = numbers
            yield _event("numbers", fragment("_numbers.html", numbers=numbers))
            yield _event("stops", fragment("_stops.html", numbers=numbers))
        if look % _CHART_EVERY == 0:
            yield _event("chart", fragment("_chart.html", chart=await draw_chart(pool, deployment_id)))
            calls = await list_calls(pool, deployment_id, limit=8)
            yield _event("newest", fragment("_calls.html", calls=calls, url=request.url.path.removesuffix("/live")))
        await asyncio.sleep(_TICK)
        if await request.is_disconnected():
            return
        # Whoever has signed out, or may not look any more, sees nothing more.
        del request.state.session
        try:
            await enter(request, Permission.VIEW)
        except CalloffError:
            return


def _event(name: str, html: str) -> str:
    data = "".join(f"data: {line}\n" for line in html.splitlines() if line)
    return f"event: {name}\n{data}\n"


@router.get("/queue")
async def queue_page(request: Request) -> Response:
    """A form for one call."""
    place = await enter(request, Permission.QUEUE)
    return await _show_form(place, {}, None)


@router.post("/queue")
async def queue_one(request: Request) -> Response:
    """Queue one call by hand."""
    place = await enter(request, Permission.QUEUE)
    form = await read_form(request, place.session)
    try:
        call_id = await queue_call(pool_of(request), place.access, read_call(form, place.access.country))
    except InvalidInput as error:
        return await _show_form(place, form, in_words(error))
    shown_on = f"/calls/{call_id}" if Permission.VIEW in place.may else f"/queue?queued={call_id}"
    return RedirectResponse(place.url + shown_on, 303)


async def _show_form(place: Place, form: Mapping[str, str], error: InvalidInput | None) -> HTMLResponse:
    status = 400 if error else 200
    queued = place.request.query_params.get("queued", "")
    return await deployment_page(
        place,
        "queue.html",
        status=status,
        tab="queue",
        form=form,
        error=error,
        queued=queued if queued.isdecimal() else "",
        magic_numbers=MAGIC_NUMBERS,
    )


@router.post("/pause")
async def pause_deployment(request: Request) -> Response:
    """Start nothing more; what is dialing or connected goes on."""
    place = await enter(request, queue.pause.right)
    await read_form(request, place.session)
    await queue.pause(pool_of(request), place.access)
    return RedirectResponse(place.url, 303)


@router.post("/resume")
async def resume_deployment(request: Request) -> Response:
    """Undo a pause."""
    place = await enter(request, queue.resume.right)
    await read_form(request, place.session)
    await queue.resume(pool_of(request), place.access)
    return RedirectResponse(place.url, 303)
