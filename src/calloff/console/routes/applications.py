"""Applications: the list with their deployments, and one application with whom it is shared."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.access import Permission, application_permissions, require_application
from calloff.accounts.applications import add_application, delete_application, rename_application
from calloff.accounts.deployments import add_deployment
from calloff.accounts.permissions import list_shares, share_application
from calloff.accounts.sessions import Session
from calloff.accounts.trunks import list_trunks
from calloff.accounts.users import list_users
from calloff.console.deployment_pages import identifier
from calloff.console.recording import record_change
from calloff.console.render import page
from calloff.console.visitor import origin, pool_of, read_form, visitor
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput

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
    try:
        application = await add_application(pool_of(request), session.user.user_id, form.get("name", ""))
    except InvalidInput as error:
        return await _list(request, session, error.message)
    await record_change(request, session, "create an application", f"application {application.id}")
    return RedirectResponse(f"{request.scope['root_path']}/apps/{application.id}", 303)


@router.get("/{application_id}")
async def application(request: Request) -> Response:
    """One application."""
    session, application_id = await _enter(request, *Permission)
    return await _show(request, session, application_id)


@router.post("/{application_id}/rename")
async def rename(request: Request) -> Response:
    """Give it another name."""
    session, application_id = await _enter(request, Permission.ADMINISTER)
    form = await read_form(request, session)
    try:
        await rename_application(pool_of(request), application_id, form.get("name", ""))
    except InvalidInput as error:
        return await _show(request, session, application_id, error.message)
    await record_change(request, session, "rename an application", f"application {application_id}")
    return _back(request, application_id)


@router.post("/{application_id}/deployments")
async def add_one_deployment(request: Request) -> Response:
    """A new deployment with an empty queue."""
    session, application_id = await _enter(request, Permission.ADMINISTER)
    form = await read_form(request, session)
    trunk = form.get("trunk", "")
    try:
        deployment = await add_deployment(
            pool_of(request),
            application_id,
            form.get("name", ""),
            int(trunk) if trunk.isascii() and trunk.isdecimal() and len(trunk) < 19 else 0,
        )
    except InvalidInput as error:
        return await _show(request, session, application_id, error.message)
    await record_change(request, session, "create a deployment", f"deployment {deployment.id}")
    return RedirectResponse(f"{request.scope['root_path']}/apps/{application_id}/{deployment.id}", 303)


@router.post("/{application_id}/share")
async def share(request: Request) -> Response:
    """Let a user of the account do exactly what is ticked."""
    session, application_id = await _enter(request, Permission.ADMINISTER)
    form = await read_form(request, session)
    email = form.get("email", "").strip()
    users = await list_users(pool_of(request), account_id=session.user.account_id)
    user = next((user for user in users if user.email.lower() == email.lower()), None)
    if user is None:
        return await _show(request, session, application_id, "Nobody in this account has that e-mail address.")
    permissions = {permission for permission in Permission if form.get(permission) == "1"}
    await share_application(pool_of(request), application_id, user.id, permissions)
    what = " ".join(sorted(permissions)) or "nothing"
    await record_change(
        request, session, "share an application", f"application {application_id}, user {user.id}: {what}"
    )
    return _back(request, application_id)


@router.get("/{application_id}/delete")
async def ask_to_delete(request: Request) -> Response:
    """Says what deleting does, and asks."""
    session, application_id = await _enter(request, Permission.ADMINISTER)
    found = await _find(request, session, application_id)
    return await page(request, "delete_application.html", application=found)


@router.post("/{application_id}/delete")
async def delete(request: Request) -> Response:
    """Delete it with its deployments, which calls off what is pending."""
    session, application_id = await _enter(request, Permission.ADMINISTER)
    await read_form(request, session)
    await delete_application(pool_of(request), application_id, user_id=session.user.user_id, origin=origin(request))
    await record_change(request, session, "delete an application", f"application {application_id}")
    return RedirectResponse(f"{request.scope['root_path']}/apps", 303)


async def _enter(request: Request, *permissions: Permission) -> tuple[Session, int]:
    session = await visitor(request)
    application_id = identifier(request, "application_id")
    await require_application(pool_of(request), session.user, application_id, *permissions)
    return session, application_id


async def _list(request: Request, session: Session, error: str | None = None) -> HTMLResponse:
    found = await _visible(request, session)
    status = 400 if error else 200
    return await page(request, "applications.html", status=status, applications=found, error=error)


async def _show(request: Request, session: Session, application_id: int, error: str | None = None) -> HTMLResponse:
    pool = pool_of(request)
    may_administer = await _may_administer(request, session, application_id)
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


async def _may_administer(request: Request, session: Session, application_id: int) -> bool:
    permitted = await application_permissions(pool_of(request), session.user, application_id)
    return Permission.ADMINISTER in permitted


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


def _back(request: Request, application_id: int) -> RedirectResponse:
    return RedirectResponse(f"{request.scope['root_path']}/apps/{application_id}", 303)
