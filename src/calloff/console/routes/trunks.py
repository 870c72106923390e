"""Trunks: the ways out, which all accounts share and the operator sets, and a test call over each."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.sessions import Session
from calloff.accounts.trunks import TrunkKind, TrunkRecord, add_trunk, find_trunk, list_trunks, set_trunk
from calloff.calls.submit import submit
from calloff.console.deployment_pages import identifier
from calloff.console.recording import record_change
from calloff.console.render import page
from calloff.console.trunk_form import CALLER_ID_HEADERS, CODECS, Seal, fill_form, read_trunk
from calloff.console.visitor import administrator, is_operator, pool_of, read_form
from calloff.db.statements import load
from calloff.domain.calls import NewCall
from calloff.domain.errors import CalloffError, Conflict, InvalidInput, NotFound, NotPermitted
from calloff.domain.phone import parse_destination

router = APIRouter(prefix="/trunks")
_KINDS: dict[str, TrunkKind] = {"sip": "sip", "simulated": "simulated"}


@router.get("")
async def trunks(request: Request) -> Response:
    """Every trunk."""
    session = await administrator(request)
    found = await list_trunks(pool_of(request))
    return await page(request, "trunks.html", trunks=found, is_operator=await is_operator(request, session))


@router.get("/new/{kind}")
async def new_trunk(request: Request) -> Response:
    """Asks for a new trunk of that kind."""
    await _operator(request)
    return await _show_new(request, _kind(request))


@router.post("/new/{kind}")
async def add(request: Request) -> Response:
    """Enter a trunk, with a password that nobody can read again."""
    session = await _operator(request)
    form = await read_form(request, session)
    kind = _kind(request)
    try:
        changes = read_trunk(form, kind, {}, _seal_of(request))
        trunk = await add_trunk(pool_of(request), changes["name"], kind, changes)
    except (InvalidInput, Conflict) as error:
        return await _show_new(request, kind, form, error)
    await record_change(request, session, "add a trunk", f"trunk {trunk.id}")
    return RedirectResponse(f"{request.scope['root_path']}/trunks/{trunk.id}", 303)


@router.get("/{trunk_id}")
async def trunk(request: Request) -> Response:
    """One trunk."""
    session = await administrator(request)
    return await _show(request, session, await _find(request))


@router.post("/{trunk_id}")
async def change(request: Request) -> Response:
    """Change it, for the next calls that are dialed over it."""
    session = await _operator(request)
    form = await read_form(request, session)
    found = await _find(request)
    try:
        changes = read_trunk(form, found.kind, found.settings, _seal_of(request))
        await set_trunk(pool_of(request), found.id, changes)
    except (InvalidInput, Conflict) as error:
        return await _show(request, session, found, form, error)
    await record_change(request, session, "change a trunk", f"trunk {found.id}")
    return RedirectResponse(f"{request.scope['root_path']}/trunks/{found.id}", 303)


@router.post("/{trunk_id}/test")
async def test(request: Request) -> Response:
    """Queue a call in a deployment on the trunk, and show what becomes of it."""
    session = await administrator(request)
    form = await read_form(request, session)
    found = await _find(request)
    places = {str(place["id"]): place for place in await _places(request, session, found.id)}
    try:
        place = places.get(form.get("deployment", ""))
        if place is None:
            raise InvalidInput("Choose a deployment on this trunk.")
        destination = parse_destination(form.get("phone_number", ""))
        call_id = await submit(pool_of(request), place["id"], NewCall(destination))
    except InvalidInput as error:
        return await _show(request, session, found, error=error)
    await record_change(request, session, "make a test call", f"trunk {found.id}, call {call_id}")
    root = request.scope["root_path"]
    return RedirectResponse(f"{root}/apps/{place['application_id']}/{place['id']}/calls/{call_id}", 303)


async def _operator(request: Request) -> Session:
    session = await administrator(request)
    if not await is_operator(request, session):
        raise NotPermitted("Only the operator's account may change trunks. Ask the operator.")
    return session


def _kind(request: Request) -> TrunkKind:
    kind = _KINDS.get(request.path_params["kind"])
    if kind is None:
        raise NotFound("There is no such kind of trunk.")
    return kind


def _seal_of(request: Request) -> Seal:
    seal: Seal = request.app.state.seal
    return seal


async def _find(request: Request) -> TrunkRecord:
    return await find_trunk(pool_of(request), identifier(request, "trunk_id"))


async def _show_new(
    request: Request, kind: TrunkKind, form: Mapping[str, str] | None = None, error: CalloffError | None = None
) -> HTMLResponse:
    return await _page(request, "trunk_new.html", error, kind=kind, form=form or {}, has_password=False)


async def _show(
    request: Request,
    session: Session,
    found: TrunkRecord,
    form: Mapping[str, str] | None = None,
    error: CalloffError | None = None,
) -> HTMLResponse:
    return await _page(
        request,
        "trunk.html",
        error,
        kind=found.kind,
        form=form or fill_form(found),
        trunk=found,
        has_password="password_encrypted" in found.settings,
        places=await _places(request, session, found.id),
        is_operator=await is_operator(request, session),
    )


async def _page(request: Request, template: str, error: CalloffError | None, **values: Any) -> HTMLResponse:
    status = 400 if error else 200
    return await page(
        request, template, status=status, error=error, codecs=CODECS, caller_id_headers=CALLER_ID_HEADERS, **values
    )


async def _places(request: Request, session: Session, trunk_id: int) -> list[dict[str, int]]:
    async with pool_of(request).connection() as connection:
        cursor = await connection.execute(
            load("calloff.console", "list_test_places"),
            {"trunk_id": trunk_id, "account_id": session.user.account_id},
        )
        return await cursor.fetchall()
