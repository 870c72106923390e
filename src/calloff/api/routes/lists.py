"""Lists: how far each is, its results, and what stops it and lets it go on."""

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from calloff.api.authentication import pool_of
from calloff.api.identifiers import actor_of, identifier
from calloff.api.paging import next_page, parse_page
from calloff.api.representation import respond
from calloff.contract.details import list_details
from calloff.lists.registry import NO_LIST
from calloff.operations import lists
from calloff.operations.access import to_account
from calloff.operations.lists import ListAccess
from calloff.reports.list_results import results_csv

router = APIRouter(prefix="/api/lists")


@router.get("")
async def list_lists(request: Request) -> Response:
    """The lists in the account that the user may view, newest first."""
    access = await to_account(pool_of(request), await actor_of(request))
    page = parse_page(request)
    found = await lists.list_lists(pool_of(request), access, limit=page.limit, before=page.before)
    content = {
        "lists": [list_details(each) for each in found],
        "next_before": next_page(page, [each.list_id for each in found]),
    }
    return respond(request, content)


@router.get("/{list_id}")
async def status(request: Request) -> Response:
    """How far a list is."""
    found = await lists.read_list(pool_of(request), await _enter(request))
    return respond(request, {"list": list_details(found)})


@router.get("/{list_id}/results")
async def results(request: Request) -> Response:
    """Its calls as CSV, in the order of its lines."""
    access = await _enter(request)
    pages = await lists.read_list_results(pool_of(request), access)
    name = f'attachment; filename="list-{access.list.list_id}.csv"'
    return StreamingResponse(
        results_csv(access.list.columns, pages), media_type="text/csv", headers={"content-disposition": name}
    )


@router.delete("/{list_id}")
async def cancel(request: Request) -> Response:
    """Cancel its pending calls: 202 without a body, once none of them can be dialed any more."""
    await lists.call_list_off(pool_of(request), await _enter(request))
    return Response(status_code=202)


@router.post("/{list_id}/pause")
async def pause(request: Request) -> Response:
    """Start nothing more of it; what is dialing or connected goes on."""
    await lists.pause_list(pool_of(request), await _enter(request))
    return respond(request, {"paused": True})


@router.post("/{list_id}/resume")
async def resume(request: Request) -> Response:
    """Undo a pause of it."""
    await lists.resume_list(pool_of(request), await _enter(request))
    return respond(request, {"paused": False})


async def _enter(request: Request) -> ListAccess:
    actor = await actor_of(request)
    return await lists.to_list(pool_of(request), actor, identifier(request, "list_id", missing=NO_LIST))
