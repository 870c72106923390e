"""What each account does now, the most that it may do, and the ways to stop it."""

from collections.abc import Mapping
from typing import Any, cast

from fastapi import APIRouter, Request
from psycopg.rows import DictRow
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.limits import Limits
from calloff.accounts.sessions import Session
from calloff.console.deployment_pages import identifier
from calloff.console.render import page
from calloff.console.setting_fields import fill_in, read_settings
from calloff.console.visitor import actor_of, administrator, pool_of, read_form
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput
from calloff.domain.settings import settings_of
from calloff.operations import accounts
from calloff.operations.access import Access, Role, to_account
from calloff.operations.operation import Operation

router = APIRouter(prefix="/limits")
_SETTINGS = settings_of(Limits)


@router.get("")
async def limits(request: Request) -> Response:
    """The visitor's own account and, for the operator, the way to the others."""
    session = await administrator(request)
    return await _show(request, session, await to_account(pool_of(request), actor_of(request, session)))


@router.get("/{account_id}")
async def account_limits(request: Request) -> Response:
    """One account, for the operator."""
    session, access = await _enter(request)
    return await _show(request, session, access)


@router.post("/{account_id}")
async def change(request: Request) -> Response:
    """Change the most that all deployments of the account may do together."""
    session, access, form = await _enter_with_form(request)
    accounts.limit_account.check(access)
    try:
        await accounts.limit_account(pool_of(request), access, cast(Limits, read_settings(form, _SETTINGS)))
    except InvalidInput as error:
        return await _show(request, session, access, form, error)
    return _back(request, access)


@router.post("/{account_id}/pause")
async def pause(request: Request) -> Response:
    """Start nothing more in the whole account, until each deployment is resumed by itself."""
    return await _do(request, accounts.pause_account)


@router.post("/{account_id}/deactivate")
async def deactivate(request: Request) -> Response:
    """Shut the account out and stop its dialing."""
    return await _do(request, accounts.deactivate_account)


@router.post("/{account_id}/reactivate")
async def reactivate(request: Request) -> Response:
    """Let the account in again; its deployments stay paused."""
    return await _do(request, accounts.reactivate_account)


async def _do(request: Request, operation: Operation[Access, [], Any]) -> Response:
    _, access, _ = await _enter_with_form(request)
    await operation(pool_of(request), access)
    return _back(request, access)


async def _enter_with_form(request: Request) -> tuple[Session, Access, Mapping[str, str]]:
    session, access = await _enter(request)
    return session, access, await read_form(request, session)


async def _enter(request: Request) -> tuple[Session, Access]:
    """The account of the path: one's own or, for the operator, any. Raises `NotPermitted` or `NotFound`."""
    session = await administrator(request)
    account_id = identifier(request, "account_id")
    return session, await to_account(pool_of(request), actor_of(request, session), account_id)


def _back(request: Request, access: Access) -> Response:
    is_own = access.actor.user is not None and access.account_id == access.actor.user.account_id
    return RedirectResponse(f"{request.scope['root_path']}/limits{'' if is_own else f'/{access.account_id}'}", 303)


async def _show(
    request: Request,
    session: Session,
    access: Access,
    form: Mapping[str, str] | None = None,
    error: InvalidInput | None = None,
) -> HTMLResponse:
    assert access.account_id is not None
    account_id = access.account_id
    [account] = await _use(request, account_id, others=False)
    may_change, is_own = Role.OPERATOR in access.may, account_id == session.user.account_id
    return await page(
        request,
        "limits.html",
        status=400 if error else 200,
        account=account,
        others=await _use(request, account_id, others=True) if may_change and is_own else [],
        may_change=may_change,
        is_own=is_own,
        settings=_SETTINGS,
        form=fill_in(_SETTINGS, account) | dict(form or {}),
        error=error,
    )


async def _use(request: Request, account_id: int, *, others: bool) -> list[DictRow]:
    async with pool_of(request).connection() as connection:
        parameters = {"account_id": account_id, "others": others}
        return await (await connection.execute(load("calloff.console", "account_use"), parameters)).fetchall()
