"""Trunks: the ways out, which all accounts share and the operator sets, and a test call over each."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.sessions import Session
from calloff.accounts.trunks import TrunkKind, TrunkLimits, TrunkRecord, find_trunk, list_trunks
from calloff.console.deployment_pages import identifier
from calloff.console.render import page
from calloff.console.trunk_form import fill_form, read_trunk
from calloff.console.visitor import actor_of, administrator, is_operator, pool_of, read_form
from calloff.db.statements import load
from calloff.domain.calls import NewCall
from calloff.domain.errors import CalloffError, Conflict, InvalidInput, NotFound, NotPermitted
from calloff.domain.phone import parse_destination
from calloff.domain.settings import settings_of
from calloff.operations.access import to_account, to_deployment
from calloff.operations.trunks import TrunkKinds, add_trunk, queue_test_call, set_trunk

router = APIRouter(prefix="/trunks")


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
    pool = pool_of(request)
    try:
        access = await to_account(pool, actor_of(request, session))
        kinds = _kinds_of(request)
        trunk = await add_trunk(pool, access, kind, read_trunk(form, kinds.settings[kind]), kinds.seal)
    except (InvalidInput, Conflict) as error:
        return await _show_new(request, kind, form, error)
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
    pool = pool_of(request)
    try:
        access = await to_account(pool, actor_of(request, session))
        kinds = _kinds_of(request)
        await set_trunk(pool, access, found.id, read_trunk(form, kinds.settings[found.kind]), kinds.seal)
    except (InvalidInput, Conflict) as error:
        return await _show(request, session, found, form, error)
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
        access = await to_deployment(pool_of(request), actor_of(request, session), place["id"])
        call_id = await queue_test_call(pool_of(request), access, found.id, NewCall(destination))
    except InvalidInput as error:
        return await _show(request, session, found, error=error)
    root = request.scope["root_path"]
    return RedirectResponse(f"{root}/apps/{place['application_id']}/{place['id']}/calls/{call_id}", 303)


async def _operator(request: Request) -> Session:
    session = await administrator(request)
    if not await is_operator(request, session):
        raise NotPermitted("Only the operator's account may change trunks. Ask the operator.")
    return session


def _kind(request: Request) -> TrunkKind:
    for kind in _kinds_of(request).settings:
        if kind == request.path_params["kind"]:
            return kind
    raise NotFound("There is no such kind of trunk.")


def _kinds_of(request: Request) -> TrunkKinds:
    kinds: TrunkKinds = request.app.state.trunk_kinds
    return kinds


async def _find(request: Request) -> TrunkRecord:
    return await find_trunk(pool_of(request), identifier(request, "trunk_id"))


async def _show_new(
    request: Request, kind: TrunkKind, form: Mapping[str, str] | None = None, error: CalloffError | None = None
) -> HTMLResponse:
    return await _page(request, "trunk_new.html", kind, error, form=form or {}, has_password=False)


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
        found.kind,
        error,
        form=form or fill_form(found, _kinds_of(request).settings[found.kind]),
        trunk=found,
        has_password="password_encrypted" in found.settings,
        places=await _places(request, session, found.id),
        is_operator=await is_operator(request, session),
    )


async def _page(
    request: Request, template: str, kind: TrunkKind, error: CalloffError | None, **values: Any
) -> HTMLResponse:
    settings = _kinds_of(request).settings[kind]
    return await page(
        request,
        template,
        status=400 if error else 200,
        error=error,
        kind=kind,
        settings=settings,
        limits=settings_of(TrunkLimits),
        **values,
    )


async def _places(request: Request, session: Session, trunk_id: int) -> list[dict[str, int]]:
    async with pool_of(request).connection() as connection:
        cursor = await connection.execute(
            load("calloff.console", "list_test_places"),
            {"trunk_id": trunk_id, "account_id": session.user.account_id},
        )
        return await cursor.fetchall()
