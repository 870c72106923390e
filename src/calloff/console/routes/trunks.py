"""Trunks: the ways out, their limits, and a test call over each."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.sessions import Session
from calloff.accounts.trunks import find_trunk, list_trunks, set_trunk
from calloff.console.deployment_pages import identifier
from calloff.console.fields import decimal, whole
from calloff.console.recording import record_change
from calloff.console.render import page
from calloff.console.visitor import administrator, pool_of, read_form
from calloff.db.statements import load
from calloff.domain.calls import NewCall
from calloff.domain.errors import InvalidInput, NotPermitted
from calloff.domain.phone import parse_destination
from calloff.queue.submit import submit

router = APIRouter(prefix="/trunks")


@router.get("")
async def trunks(request: Request) -> Response:
    """Every trunk."""
    session = await administrator(request)
    found = await list_trunks(pool_of(request))
    return await page(request, "trunks.html", trunks=found, is_operator=await _is_operator(request, session))


@router.get("/{trunk_id}")
async def trunk(request: Request) -> Response:
    """One trunk."""
    session = await administrator(request)
    return await _show(request, session)


@router.post("/{trunk_id}/limits")
async def limits(request: Request) -> Response:
    """Change how many calls it carries at once, and at what pace."""
    session = await administrator(request)
    form = await read_form(request, session)
    if not await _is_operator(request, session):
        raise NotPermitted("Only the operator's account may change trunks. Ask the operator.")
    trunk_id = identifier(request, "trunk_id")
    try:
        await set_trunk(
            pool_of(request),
            trunk_id,
            {
                "max_concurrent_calls": whole(form, "max_concurrent_calls", "The limit of calls at once"),
                "calls_per_second": decimal(form, "calls_per_second", "The pace"),
            },
        )
    except InvalidInput as error:
        return await _show(request, session, error.message)
    await record_change(request, session, "change a trunk's limits", f"trunk {trunk_id}")
    return RedirectResponse(f"{request.scope['root_path']}/trunks/{trunk_id}", 303)


@router.post("/{trunk_id}/test")
async def test(request: Request) -> Response:
    """Queue a call in a deployment on the trunk, and show what becomes of it."""
    session = await administrator(request)
    form = await read_form(request, session)
    trunk_id = identifier(request, "trunk_id")
    places = {str(place["id"]): place for place in await _places(request, session, trunk_id)}
    try:
        place = places.get(form.get("deployment", ""))
        if place is None:
            raise InvalidInput("Choose a deployment on this trunk.")
        destination = parse_destination(form.get("phone_number", ""))
        call_id = await submit(pool_of(request), place["id"], NewCall(destination))
    except InvalidInput as error:
        return await _show(request, session, error.message)
    await record_change(request, session, "make a test call", f"trunk {trunk_id}, call {call_id}")
    root = request.scope["root_path"]
    return RedirectResponse(f"{root}/apps/{place['application_id']}/{place['id']}/calls/{call_id}", 303)


async def _show(request: Request, session: Session, error: str | None = None) -> HTMLResponse:
    found = await find_trunk(pool_of(request), identifier(request, "trunk_id"))
    return await page(
        request,
        "trunk.html",
        status=400 if error else 200,
        trunk=found,
        places=await _places(request, session, found.id),
        is_operator=await _is_operator(request, session),
        error=error,
    )


async def _places(request: Request, session: Session, trunk_id: int) -> list[dict[str, int]]:
    async with pool_of(request).connection() as connection:
        cursor = await connection.execute(
            load("calloff.console", "list_test_places"),
            {"trunk_id": trunk_id, "account_id": session.user.account_id},
        )
        return await cursor.fetchall()


async def _is_operator(request: Request, session: Session) -> bool:
    async with pool_of(request).connection() as connection:
        cursor = await connection.execute(
            load("calloff.console", "is_operator"), {"account_id": session.user.account_id}
        )
        row = await cursor.fetchone()
    return row is not None and bool(row["value"])
