"""What each account does now, the most that it may do, and the ways to stop it."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from psycopg.rows import DictRow
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.accounts import deactivate_account, limit_account, pause_account, reactivate_account
from calloff.accounts.audit import record
from calloff.accounts.sessions import Session
from calloff.console.deployment_pages import identifier
from calloff.console.fields import decimal, whole
from calloff.console.recording import record_change
from calloff.console.render import page
from calloff.console.visitor import administrator, is_operator, pool_of, read_form
from calloff.db.statements import load
from calloff.domain.errors import Conflict, InvalidInput, NotFound, NotPermitted

router = APIRouter(prefix="/limits")


@router.get("")
async def limits(request: Request) -> Response:
    """The visitor's own account and, for the operator, the way to the others."""
    session = await administrator(request)
    return await _show(request, session, session.user.account_id)


@router.get("/{account_id}")
async def account_limits(request: Request) -> Response:
    """One account, for the operator."""
    session, account_id = await _enter(request)
    return await _show(request, session, account_id)


@router.post("/{account_id}")
async def change(request: Request) -> Response:
    """Change the most that all deployments of the account may do together."""
    session, account_id = await _enter(request)
    form = await read_form(request, session)
    if not await is_operator(request, session):
        raise NotPermitted("Only the operator's account may change limits. Ask the operator.")
    try:
        await limit_account(
            pool_of(request),
            account_id,
            max_concurrent_calls=whole(form, "max_concurrent_calls", "The limit of calls at once"),
            calls_per_second=decimal(form, "calls_per_second", "The pace"),
        )
    except InvalidInput as error:
        return await _show(request, session, account_id, form, error)
    return await _done(request, session, account_id, "limit an account")


@router.post("/{account_id}/pause")
async def pause(request: Request) -> Response:
    """Start nothing more in the whole account, until each deployment is resumed by itself."""
    session, account_id = await _enter(request)
    await read_form(request, session)
    await pause_account(pool_of(request), account_id)
    return await _done(request, session, account_id, "pause every deployment")


@router.post("/{account_id}/deactivate")
async def deactivate(request: Request) -> Response:
    """Shut the account out and stop its dialing."""
    session, account_id = await _enter_as_operator(request)
    if account_id == session.user.account_id:
        raise Conflict("You cannot shut your own account out. Pause its deployments instead.")
    await deactivate_account(pool_of(request), account_id)
    return await _done(request, session, account_id, "deactivate an account")


@router.post("/{account_id}/reactivate")
async def reactivate(request: Request) -> Response:
    """Let the account in again; its deployments stay paused."""
    session, account_id = await _enter_as_operator(request)
    await reactivate_account(pool_of(request), account_id)
    return await _done(request, session, account_id, "reactivate an account")


async def _enter_as_operator(request: Request) -> tuple[Session, int]:
    session, account_id = await _enter(request)
    await read_form(request, session)
    if not await is_operator(request, session):
        raise NotPermitted("Only the operator's account may shut an account out or let it in. Ask the operator.")
    return session, account_id


async def _enter(request: Request) -> tuple[Session, int]:
    """The account of the path: one's own or, for the operator, any. Raises `NotPermitted` or `NotFound`."""
    session = await administrator(request)
    account_id = identifier(request, "account_id")
    if account_id != session.user.account_id and not await is_operator(request, session):
        raise NotFound("There is no such page.")
    return session, account_id


async def _done(request: Request, session: Session, account_id: int, action: str) -> Response:
    """Write it down for both who did it and whom it concerns, and lead back."""
    await record_change(request, session, action, f"account {account_id}")
    if account_id == session.user.account_id:
        return RedirectResponse(f"{request.scope['root_path']}/limits", 303)
    await record(
        pool_of(request), action, f"account {account_id}", account_id=account_id, user_id=None, origin="console"
    )
    return RedirectResponse(f"{request.scope['root_path']}/limits/{account_id}", 303)


async def _show(
    request: Request,
    session: Session,
    account_id: int,
    form: Mapping[str, str] | None = None,
    error: InvalidInput | None = None,
) -> HTMLResponse:
    found = await _use(request, account_id, others=False)
    if not found:
        raise NotFound("There is no such account.")
    [account] = found
    may_change, is_own = await is_operator(request, session), account_id == session.user.account_id
    return await page(
        request,
        "limits.html",
        status=400 if error else 200,
        account=account,
        others=await _use(request, account_id, others=True) if may_change and is_own else [],
        may_change=may_change,
        is_own=is_own,
        form={name: account[name] or "" for name in ("max_concurrent_calls", "calls_per_second")} | dict(form or {}),
        error=error,
    )


async def _use(request: Request, account_id: int, *, others: bool) -> list[DictRow]:
    async with pool_of(request).connection() as connection:
        parameters = {"account_id": account_id, "others": others}
        return await (await connection.execute(load("calloff.console", "account_use"), parameters)).fetchall()
