"""Call everything off: the question, the receipt, and the history."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.access import Permission
from calloff.calls.cancel import Cancellation, list_cancellations
from calloff.console.deployment_pages import deployment_page, enter, identifier
from calloff.console.render import fragment
from calloff.console.visitor import pool_of, read_form
from calloff.domain.errors import NotFound
from calloff.operations.queue import call_everything_off

router = APIRouter(prefix="/apps/{application_id}/{deployment_id}")
_PAGE = 50


@router.get("/cancel")
async def ask(request: Request) -> Response:
    """The question as a page of its own, for browsers without scripts."""
    place = await enter(request, Permission.CANCEL)
    return await deployment_page(place, "cancel.html", tab="cancellations")


@router.post("/cancel")
async def cancel(request: Request) -> Response:
    """Call everything off; the answer comes once no call that was pending can be dialed any more."""
    place = await enter(request, call_everything_off.right)
    form = await read_form(request, place.session)
    hangs_up = form.get("in_progress") == "hang_up"
    epoch = await call_everything_off(pool_of(request), place.access, hangs_up=hangs_up)
    return RedirectResponse(f"{place.url}/cancellations/{epoch}", 303)


@router.get("/cancellations")
async def history(request: Request) -> Response:
    """Who called off what, and when, newest first."""
    place = await enter(request, Permission.VIEW)
    before = request.query_params.get("before", "")
    receipts = await list_cancellations(
        pool_of(request),
        place.deployment_id,
        limit=_PAGE,
        before=int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None,
    )
    return await deployment_page(
        place, "cancellations.html", tab="cancellations", receipts=receipts, has_more=len(receipts) == _PAGE
    )


@router.get("/cancellations/{epoch}")
async def receipt(request: Request) -> Response:
    """One receipt, with how far the settling is."""
    place = await enter(request, Permission.VIEW, Permission.CANCEL)
    found = await _find(request, place.deployment_id)
    return await deployment_page(place, "receipt.html", tab="cancellations", receipt=found)


@router.get("/cancellations/{epoch}/progress")
async def progress(request: Request) -> Response:
    """The progress alone, which the receipt asks for until it is complete."""
    place = await enter(request, Permission.VIEW, Permission.CANCEL)
    found = await _find(request, place.deployment_id)
    return HTMLResponse(fragment("_progress.html", receipt=found, url=place.url))


async def _find(request: Request, deployment_id: int) -> Cancellation:
    epoch = identifier(request, "epoch")
    found = await list_cancellations(pool_of(request), deployment_id, limit=1, before=min(epoch, 2**62) + 1)
    if not found or found[0].epoch != epoch:
        raise NotFound("There is no such cancellation.")
    return found[0]
