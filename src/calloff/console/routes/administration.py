"""Account administration: users, and the audit log of every change."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.audit import list_audit
from calloff.accounts.passwords import make_password
from calloff.accounts.sessions import Session
from calloff.accounts.users import AccountUser, list_users
from calloff.console.deployment_pages import identifier
from calloff.console.render import page
from calloff.console.visitor import actor_of, administrator, pool_of, read_form
from calloff.domain.errors import Conflict, InvalidInput
from calloff.operations import users
from calloff.operations.access import to_account
from calloff.operations.users import UserAccess, to_user

router = APIRouter()
_PAGE = 50


@router.get("/users")
async def list_all(request: Request) -> Response:
    """Who may sign in."""
    return await _show(request, await administrator(request))


@router.post("/users")
async def add(request: Request) -> Response:
    """A new user, whose first password this answer shows and nothing ever again."""
    session = await administrator(request)
    form = await read_form(request, session)
    pool, password = pool_of(request), make_password()
    try:
        user = await users.add_user(
            pool,
            await to_account(pool, actor_of(request, session)),
            form.get("email", ""),
            is_administrator=form.get("is_administrator") == "1",
            first_password=password,
        )
    except (InvalidInput, Conflict) as error:
        return await _show(request, session, error=error.message)
    return await _show(request, session, made=(user, password))


@router.post("/users/{user_id}/password")
async def reset_password(request: Request) -> Response:
    """A new first password for somebody who has lost theirs; their sessions end."""
    session, access, _ = await _enter(request)
    _, password = await users.reset_password(pool_of(request), access)
    return await _show(request, session, made=(access.user, password))


@router.post("/users/{user_id}/role")
async def change_role(request: Request) -> Response:
    """Make a user an administrator, or an administrator a user again."""
    session, access, form = await _enter(request)
    try:
        is_administrator = form.get("is_administrator") == "1"
        await users.set_role(pool_of(request), access, is_administrator=is_administrator)
    except Conflict as error:
        return await _show(request, session, error=error.message)
    return RedirectResponse(f"{request.scope['root_path']}/users", 303)


@router.post("/users/{user_id}/deactivate")
async def deactivate(request: Request) -> Response:
    """Shut a user out, with all keys and sessions."""
    session, access, _ = await _enter(request)
    try:
        await users.deactivate_user(pool_of(request), access)
    except Conflict as error:
        return await _show(request, session, error=error.message)
    return RedirectResponse(f"{request.scope['root_path']}/users", 303)


@router.post("/users/{user_id}/reactivate")
async def reactivate(request: Request) -> Response:
    """Let a user in again."""
    _, access, _ = await _enter(request)
    await users.reactivate_user(pool_of(request), access)
    return RedirectResponse(f"{request.scope['root_path']}/users", 303)


@router.get("/audit")
async def audit(request: Request) -> Response:
    """Who changed what, when and from where, newest first."""
    session = await administrator(request)
    before = request.query_params.get("before")
    entries = await list_audit(pool_of(request), session.user.account_id, limit=_PAGE, before=before)
    return await page(request, "audit.html", entries=entries, has_more=len(entries) == _PAGE)


async def _enter(request: Request) -> tuple[Session, UserAccess, Mapping[str, str]]:
    """Who asks, about which user of the account, with what form."""
    session = await administrator(request)
    form = await read_form(request, session)
    user_id = identifier(request, "user_id")
    return session, await to_user(pool_of(request), actor_of(request, session), user_id), form


async def _show(
    request: Request, session: Session, *, made: tuple[AccountUser, str] | None = None, error: str | None = None
) -> HTMLResponse:
    found = await list_users(pool_of(request), account_id=session.user.account_id)
    return await page(request, "users.html", status=400 if error else 200, users=found, made=made, error=error)
