"""Call everything off, pause and resume, and the receipts of what was called off."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from calloff.api.authentication import pool_of
from calloff.api.identifiers import enter
from calloff.api.paging import next_page, parse_page
from calloff.api.representation import respond
from calloff.contract.fields import IN_PROGRESS
from calloff.domain.errors import InvalidInput
from calloff.operations import queue
from calloff.operations.calls import list_cancellations

router = APIRouter(prefix="/api/apps/{application_id}/{deployment_id}")
_GOES_ON, _HANG_UP = IN_PROGRESS


@router.delete("/cancel")
async def cancel(request: Request) -> Response:
    """Cancel all pending calls: 202 without a body, once no call that was pending can be dialed any more."""
    access = await enter(request, queue.call_everything_off)
    in_progress = request.query_params.get("in_progress", _GOES_ON)
    if in_progress not in IN_PROGRESS:
        raise InvalidInput(
            f"in_progress is none of {', '.join(IN_PROGRESS)}, and nothing was called off. Give one of them.",
            field="in_progress",
        )
    await queue.call_everything_off(pool_of(request), access, hangs_up=in_progress == _HANG_UP)
    return Response(status_code=202)


@router.get("/cancellations")
async def cancellations(request: Request) -> Response:
    """Who called off what, when and from where, newest first."""
    access = await enter(request, list_cancellations)
    page = parse_page(request)
    receipts = await list_cancellations(pool_of(request), access, limit=page.limit, before=page.before)
    content = {
        "cancellations": [
            {
                "cancellation_id": str(receipt.epoch),
                "canceled_at": int(receipt.canceled_at.timestamp()),
                "canceled_by": receipt.canceled_by,
                "origin": receipt.origin,
                "canceled_calls": receipt.canceled_calls,
                "settled_calls": receipt.settled_calls,
                "in_progress": _HANG_UP if receipt.hangs_up else _GOES_ON,
            }
            for receipt in receipts
        ],
        "next_before": next_page(page, [receipt.epoch for receipt in receipts]),
    }
    return respond(request, content)


@router.post("/pause")
async def pause(request: Request) -> Response:
    """Start nothing more; what is dialing or connected goes on."""
    await queue.pause(pool_of(request), await enter(request, queue.pause))
    return respond(request, {"paused": True})


@router.post("/resume")
async def resume(request: Request) -> Response:
    """Undo a pause."""
    await queue.resume(pool_of(request), await enter(request, queue.resume))
    return respond(request, {"paused": False})
