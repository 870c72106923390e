"""Queue a call, read it, list calls, and cancel a single one."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from calloff.api.authentication import pool_of
from calloff.api.bodies import read_fields
from calloff.api.idempotency_keys import idempotency_key
from calloff.api.identifiers import actor_of, enter, identifier
from calloff.api.paging import next_page, parse_page
from calloff.api.representation import respond
from calloff.calls.idempotency import fingerprint_of
from calloff.contract.details import call_details
from calloff.contract.fields import parse_call
from calloff.domain.calls import STATUSES
from calloff.domain.errors import InvalidInput
from calloff.operations.calls import Once, list_calls, queue_call, read_call
from calloff.operations.queue import NO_CALL, CallAccess, call_off_one_call, to_call

router = APIRouter(prefix="/api")


@router.post("/apps/{application_id}/{deployment_id}/queue")
async def queue(request: Request) -> Response:
    """Queue one call."""
    access = await enter(request, queue_call, deleted_is_conflict=True)
    key = idempotency_key(request, access.deployment_id)
    fields = await read_fields(request)
    once = None if key is None else Once(key, fingerprint_of(fields))
    call_id = await queue_call(pool_of(request), access, parse_call(fields, access.country), once)
    link = f'<{request.base_url}api/outbound/{call_id}>; rel="status"'
    return respond(request, {"call_id": str(call_id)}, headers={"Link": link})


@router.get("/apps/{application_id}/{deployment_id}/calls")
async def calls(request: Request) -> Response:
    """The deployment's calls, newest first."""
    access = await enter(request, list_calls)
    page = parse_page(request, filters=frozenset({"status"}))
    status = page.filters.get("status")
    if status is not None and status not in STATUSES:
        raise InvalidInput(f"status is none of {', '.join(STATUSES)}. Give one of them.", field="status")
    found = await list_calls(
        pool_of(request), access, limit=page.limit, before=page.before, statuses=[status] if status else STATUSES
    )
    content = {
        "calls": [call_details(call) for call in found],
        "next_before": next_page(page, [call.call_id for call in found]),
    }
    return respond(request, content)


@router.get("/outbound/{call_id}")
async def status(request: Request) -> Response:
    """What has become of a call."""
    call = await read_call(pool_of(request), await _enter(request))
    return respond(request, {"call_details": call_details(call)})


@router.delete("/outbound/{call_id}")
async def cancel_one(request: Request) -> Response:
    """Cancel one pending call: 202 without a body."""
    await call_off_one_call(pool_of(request), await _enter(request))
    return Response(status_code=202)


async def _enter(request: Request) -> CallAccess:
    actor = await actor_of(request)
    return await to_call(pool_of(request), actor, identifier(request, "call_id", missing=NO_CALL))
