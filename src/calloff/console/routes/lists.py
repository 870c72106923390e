"""The lists of a deployment: how far each is, its results, and what stops one of them."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from calloff.accounts.access import Permission
from calloff.console.deployment_pages import Place, deployment_page, enter, identifier
from calloff.console.render import fragment
from calloff.console.visitor import pool_of, read_form
from calloff.domain.errors import NotFound
from calloff.operations import lists
from calloff.operations.lists import ListAccess
from calloff.operations.operation import Operation
from calloff.reports.list_results import results_csv

router = APIRouter(prefix="/apps/{application_id}/{deployment_id}/lists")
_PAGE = 50


@router.get("")
async def all_lists(request: Request) -> Response:
    """Newest first."""
    place = await enter(request, Permission.VIEW)
    before = request.query_params.get("before", "")
    last = int(before) if before.isascii() and before.isdecimal() and len(before) < 19 else None
    found = await lists.list_lists_of_deployment(pool_of(request), place.access, limit=_PAGE, before=last)
    return await deployment_page(place, "lists.html", tab="lists", lists=found, has_more=len(found) == _PAGE)


@router.get("/{list_id}")
async def one_list(request: Request) -> Response:
    """How far it is, and what can be done with it."""
    place = await enter(request, Permission.VIEW)
    access = await _find(place)
    return await deployment_page(place, "list.html", tab="lists", list=access.list)


@router.get("/{list_id}/progress")
async def progress(request: Request) -> Response:
    """How far it is alone, which the page asks for until all is over."""
    place = await enter(request, Permission.VIEW)
    access = await _find(place)
    return HTMLResponse(fragment("_list_progress.html", list=access.list, url=place.url))


@router.get("/{list_id}/results")
async def results(request: Request) -> Response:
    """Its calls as CSV, in the order of its lines."""
    place = await enter(request, Permission.VIEW)
    access = await _find(place)
    pages = await lists.read_list_results(pool_of(request), access)
    headers = {"Content-Disposition": f'attachment; filename="list-{access.list.list_id}.csv"'}
    content = results_csv(access.list.columns, pages)
    return StreamingResponse(content, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/{list_id}/cancel")
async def ask(request: Request) -> Response:
    """The question."""
    place = await enter(request, Permission.CANCEL)
    access = await _find(place)
    return await deployment_page(place, "cancel_list.html", tab="lists", list=access.list)


@router.post("/{list_id}/cancel")
async def cancel(request: Request) -> Response:
    """Call it off; the answer comes once none of its calls that were pending can be dialed any more."""
    return await _do(request, lists.call_list_off)


@router.post("/{list_id}/pause")
async def pause(request: Request) -> Response:
    """Start nothing more of it."""
    return await _do(request, lists.pause_list)


@router.post("/{list_id}/resume")
async def resume(request: Request) -> Response:
    """Let it go on."""
    return await _do(request, lists.resume_list)


async def _do(request: Request, operation: Operation[ListAccess, [], None]) -> Response:
    place = await enter(request, operation.right)
    await read_form(request, place.session)
    access = await _find(place)
    await operation(pool_of(request), access)
    may_view = Permission.VIEW in place.may
    return RedirectResponse(f"{place.url}/lists/{access.list.list_id}" if may_view else place.first_page, 303)


async def _find(place: Place) -> ListAccess:
    access = await lists.to_list(pool_of(place.request), place.access.actor, identifier(place.request, "list_id"))
    if access.deployment_id != place.deployment_id:
        raise NotFound("There is no such list.")
    return access
