"""Queue a call, read it, list calls, and cancel a single one."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from calloff.accounts.access import Permission, User, require_call
from calloff.api.authentication import authenticated_user, pool_of
from calloff.api.bodies import read_fields
from calloff.api.idempotency_keys import idempotency_key
from calloff.api.identifiers import actor_of, identifier, permitted_deployment
from calloff.api.paging import next_page, parse_page
from calloff.api.representation import respond
from calloff.calls.idempotency import fingerprint_of
from calloff.calls.submit import submit, submit_once
from calloff.domain.call_requests import parse_call
from calloff.domain.errors import InvalidInput, NotFound
from calloff.operations.queue import NO_CALL, call_off_one_call, to_call
from calloff.reports.details import call_details
from calloff.reports.read import STATUSES, CallStatus, find_call, list_calls

router = APIRouter(prefix="/api")


@router.post("/apps/{application_id}/{deployment_id}/queue")
async def queue(request: Request) -> Response:
    """Queue one call."""
    _, deployment_id = await permitted_deployment(request, Permission.QUEUE, deleted_is_conflict=True)
    key = idempotency_key(request, deployment_id)
    fields = await read_fields(request)
    call = parse_call(fields)
    if key is None:
        call_id = await submit(pool_of(request), deployment_id, call)
    else:
        call_id = await submit_once(pool_of(request), call, key, fingerprint_of(fields))
    link = f'<{request.base_url}api/outbound/{call_id}>; rel="status"'
    return respond(request, {"call_id": str(call_id)}, headers={"Link": link})


@router.get("/apps/{application_id}/{deployment_id}/calls")
async def calls(request: Request) -> Response:
    """The deployment's calls, newest first."""
    _, deployment_id = await permitted_deployment(request, Permission.VIEW)
    page = parse_page(request, filters=frozenset({"status"}))
    status = page.filters.get("status")
    if status is not None and status not in STATUSES:
        raise InvalidInput(f"status is none of {', '.join(STATUSES)}. Give one of them.")
    found = await list_calls(
        pool_of(request),
        deployment_id,
        limit=page.limit,
        before=page.before,
        statuses=[status] if status else STATUSES,
    )
    content = {
        "calls": [call_details(call) for call in found],
        "next_before": next_page(page, [call.call_id for call in found]),
    }
    return respond(request, content)


@router.get("/outbound/{call_id}")
async def status(request: Request) -> Response:
    """What has become of a call."""
    _, call = await _permitted_call(request, Permission.VIEW)
    return respond(request, {"call_details": call_details(call)})


@router.delete("/outbound/{call_id}")
async def cancel_one(request: Request) -> Response:
    """Cancel one pending call: 202 without a body."""
    actor = await actor_of(request)
    call_id = identifier(request, "call_id", missing=NO_CALL)
    await call_off_one_call(pool_of(request), await to_call(pool_of(request), actor, call_id))
    return Response(status_code=202)


async def _permitted_call(request: Request, permission: Permission) -> tuple[User, CallStatus]:
    user = await authenticated_user(request)
    call = await find_call(pool_of(request), identifier(request, "call_id", missing=NO_CALL))
    if call is None:
        raise NotFound(NO_CALL)
    await require_call(pool_of(request), user, call.deployment_id, permission)
    return user, call
