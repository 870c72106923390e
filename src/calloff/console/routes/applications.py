"""Applications: the list with their deployments, and one application with whom it is shared."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.access import Permission
from calloff.accounts.permissions import list_shares
from calloff.accounts.sessions import Session
from calloff.accounts.trunks import list_trunks
from calloff.accounts.users import list_users
from calloff.console.deployment_pages import identifier
from calloff.console.render import page
from calloff.console.visitor import actor_of, pool_of, read_form, visitor
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput
from calloff.operations import applications as operations
from calloff.operations.access import ApplicationAccess, Right, check, to_application
from calloff.operations.deployments import add_deployment
from calloff.operations.users import to_user

router = APIRouter(prefix="/apps")


@router.get("")
async def applications(request: Request) -> Response:
    """Every application that the visitor may see."""
    session = await visitor(request)
    return await _list(request, session)


@router.post("")
async def add(request: Request) -> Response:
    """A new application, which the visitor owns."""
    session = await visitor(request)
    form = await read_form(request, session)
    pool = pool_of(request)
    access = await to_user(pool, actor_of(request, session), session.user.user_id)
    try:
        application = await operations.add_application(pool, access, form.get("name", ""))
    except InvalidInput as error:
        return await _list(request, session, error.message)
    return RedirectResponse(f"{request.scope['root_path']}/apps/{application.id}", 303)


@router.get("/{application_id}")
async def application(request: Request) -> Response:
    """One application."""
    session, access = await _enter(request, *Permission)
    return await _show(request, session, access)


@router.post("/{application_id}/rename")
async def rename(request: Request) -> Response:
    """Give it another name."""
    session, access = await _enter(request, operations.rename_application.right)
    form = await read_form(request, session)
    try:
        await operations.rename_application(pool_of(request), access, form.get("name", ""))
    except InvalidInput as error:
        return await _show(request, session, access, error.message)
    return _back(request, access)


@router.post("/{application_id}/deployments")
async def add_one_deployment(request: Request) -> Response:
    """A new deployment with an empty queue."""
    session, access = await _enter(request, add_deployment.right)
    form = await read_form(request, session)
    trunk = form.get("trunk_id", "")
    trunk_id = int(trunk) if trunk.isascii() and trunk.isdecimal() and len(trunk) < 19 else 0
    try:
        deployment = await add_deployment(pool_of(request), access, form.get("name", ""), trunk_id)
    except InvalidInput as error:
        return await _show(request, session, access, error.message)
    return RedirectResponse(f"{request.scope['root_path']}/apps/{access.application_id}/{deployment.id}", 303)


@router.post("/{application_id}/share")
async def share(request: Request) -> Response:
    """Let a user of the account do exactly what is ticked."""
    session, access = await _enter(request, operations.share_application.right)
    form = await read_form(request, session)
    email = form.get("email", "").strip()
    users = await list_users(pool_of(request), account_id=access.account_id)
    user = next((user for user in users if user.email.lower() == email.lower()), None)
    if user is None:
        return await _show(request, session, access, "Nobody in this account has that e-mail address.")
    permissions = {permission for permission in Permission if form.get(permission) == "1"}
    await operations.share_application(pool_of(request), access, user.id, permissions)
    return _back(request, access)


@router.get("/{application_id}/delete")
async def ask_to_delete(request: Request) -> Response:
    """Says what deleting does, and asks."""
    session, access = await _enter(request, Permission.ADMINISTER)
    found = await _find(request, session, access.application_id)
    return await page(request, "delete_application.html", application=found)


@router.post("/{application_id}/delete")
async def delete(request: Request) -> Response:
    """Delete it with its deployments, which calls off what is pending."""
    session, access = await _enter(request, operations.delete_application.right)
    await read_form(request, session)
    await operations.delete_application(pool_of(request), access)
    return RedirectResponse(f"{request.scope['root_path']}/apps", 303)


async def _enter(request: Request, *rights: Right) -> tuple[Session, ApplicationAccess]:
    session = await visitor(request)
    application_id = identifier(request, "application_id")
    access = await to_application(pool_of(request), actor_of(request, session), application_id)
    check(access, rights)
    return session, access


async def _list(request: Request, session: Session, error: str | None = None) -> HTMLResponse:
    found = await _visible(request, session)
    status = 400 if error else 200
    return await page(request, "applications.html", status=status, applications=found, error=error)


async def _show(
    request: Request, session: Session, access: ApplicationAccess, error: str | None = None
) -> HTMLResponse:
    pool, application_id = pool_of(request), access.application_id
    may_administer = Permission.ADMINISTER in access.may
    users = {user.id: user for user in await list_users(pool, account_id=session.user.account_id)}
    shares = [(users[share.user_id], share) for share in await list_shares(pool, application_id)]
    return await page(
        request,
        "application.html",
        status=400 if error else 200,
        application=await _find(request, session, application_id),
        may_administer=may_administer,
        users=[user for user in users.values() if user.deactivated_at is None] if may_administer else [],
        shares=shares if may_administer else [],
        trunks=await list_trunks(pool) if may_administer else [],
        permissions=list(Permission),
        error=error,
    )


async def _visible(request: Request, session: Session, application_id: int | None = None) -> list[dict[str, object]]:
    parameters = {
        "account_id": session.user.account_id,
        "user_id": session.user.user_id,
        "is_administrator": session.user.is_administrator,
        "application_id": application_id,
    }
    async with pool_of(request).connection() as connection:
        cursor = await connection.execute(load("calloff.console", "list_applications"), parameters)
        return await cursor.fetchall()


async def _find(request: Request, session: Session, application_id: int) -> dict[str, object]:
    found = await _visible(request, session, application_id)
    return found[0]


def _back(request: Request, access: ApplicationAccess) -> RedirectResponse:
    return RedirectResponse(f"{request.scope['root_path']}/apps/{access.application_id}", 303)
