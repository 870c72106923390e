"""Account administration: users, and the audit log of every change."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.audit import list_audit
from calloff.accounts.passwords import make_password, set_password
from calloff.accounts.sessions import Session
from calloff.accounts.users import (
    AccountUser,
    add_user,
    deactivate_user,
    list_users,
    reactivate_user,
    role_change,
    set_role,
)
from calloff.console.deployment_pages import identifier
from calloff.console.recording import record_change
from calloff.console.render import page
from calloff.console.visitor import administrator, pool_of, read_form
from calloff.domain.errors import Conflict, InvalidInput, NotFound

router = APIRouter()
_PAGE = 50


@router.get("/users")
async def users(request: Request) -> Response:
    """Who may sign in."""
    return await _show(request, await administrator(request))


@router.post("/users")
async def add(request: Request) -> Response:
    """A new user, whose first password this answer shows and nothing ever again."""
    session = await administrator(request)
    form = await read_form(request, session)
    try:
        user = await add_user(
            pool_of(request),
            session.user.account_id,
            form.get("email", ""),
            is_administrator=form.get("is_administrator") == "1",
        )
    except (InvalidInput, Conflict) as error:
        return await _show(request, session, error=error.message)
    await record_change(request, session, "add a user", f"user {user.id}")
    return await _show(request, session, made=(user, await _new_password(request, user)))


@router.post("/users/{user_id}/password")
async def reset_password(request: Request) -> Response:
    """A new first password for somebody who has lost theirs; their sessions end."""
    session = await administrator(request)
    await read_form(request, session)
    user = await _find(request, session)
    password = await _new_password(request, user)
    await record_change(request, session, "reset a password", f"user {user.id}")
    return await _show(request, session, made=(user, password))


@router.post("/users/{user_id}/role")
async def change_role(request: Request) -> Response:
    """Make a user an administrator, or an administrator a user again."""
    session = await administrator(request)
    form = await read_form(request, session)
    user = await _find(request, session)
    if user.id == session.user.user_id:
        return await _show(request, session, error="You cannot change your own role. Ask another administrator.")
    user = await set_role(pool_of(request), user.id, is_administrator=form.get("is_administrator") == "1")
    await record_change(request, session, role_change(user.is_administrator), f"user {user.id}")
    return RedirectResponse(f"{request.scope['root_path']}/users", 303)


@router.post("/users/{user_id}/deactivate")
async def deactivate(request: Request) -> Response:
    """Shut a user out, with all keys and sessions."""
    session = await administrator(request)
    await read_form(request, session)
    user = await _find(request, session)
    if user.id == session.user.user_id:
        return await _show(request, session, error="You cannot shut yourself out. Ask another administrator.")
    await deactivate_user(pool_of(request), user.id)
    await record_change(request, session, "deactivate a user", f"user {user.id}")
    return RedirectResponse(f"{request.scope['root_path']}/users", 303)


@router.post("/users/{user_id}/reactivate")
async def reactivate(request: Request) -> Response:
    """Let a user in again."""
    session = await administrator(request)
    await read_form(request, session)
    user = await _find(request, session)
    await reactivate_user(pool_of(request), user.id)
    await record_change(request, session, "reactivate a user", f"user {user.id}")
    return RedirectResponse(f"{request.scope['root_path']}/users", 303)


@router.get("/audit")
async def audit(request: Request) -> Response:
    """Who changed what, when and from where, newest first."""
    session = await administrator(request)
    before = request.query_params.get("before")
    entries = await list_audit(pool_of(request), session.user.account_id, limit=_PAGE, before=before)
    return await page(request, "audit.html", entries=entries, has_more=len(entries) == _PAGE)


async def _find(request: Request, session: Session) -> AccountUser:
    user_id = identifier(request, "user_id")
    found = await list_users(pool_of(request), account_id=session.user.account_id)
    user = next((user for user in found if user.id == user_id), None)
    if user is None:
        raise NotFound("There is no such user in this account.")
    return user


async def _new_password(request: Request, user: AccountUser) -> str:
    password = make_password()
    await set_password(pool_of(request), user.id, password, must_change=True)
    return password


async def _show(
    request: Request, session: Session, *, made: tuple[AccountUser, str] | None = None, error: str | None = None
) -> HTMLResponse:
    found = await list_users(pool_of(request), account_id=session.user.account_id)
    return await page(request, "users.html", status=400 if error else 200, users=found, made=made, error=error)
