"""A deployment's settings, and its end."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.access import Permission
from calloff.accounts.deployments import DeploymentSettings, find_deployment
from calloff.accounts.trunks import list_trunks
from calloff.console.deployment_pages import Place, deployment_page, enter
from calloff.console.setting_fields import fill_in, read_settings, trunk_names
from calloff.console.visitor import pool_of, read_form
from calloff.domain.errors import InvalidInput
from calloff.domain.settings import settings_of
from calloff.operations.deployments import delete_deployment, set_deployment

router = APIRouter(prefix="/apps/{application_id}/{deployment_id}")
_SETTINGS = settings_of(DeploymentSettings)


@router.get("/settings")
async def settings(request: Request) -> Response:
    """What can be set."""
    place = await enter(request, Permission.ADMINISTER)
    return await _show(place)


@router.post("/settings")
async def change_settings(request: Request) -> Response:
    """Change it, for the next calls that are dialed."""
    place = await enter(request, Permission.ADMINISTER)
    form = await read_form(request, place.session)
    try:
        await set_deployment(pool_of(request), place.access, cast(DeploymentSettings, read_settings(form, _SETTINGS)))
    except InvalidInput as error:
        return await _show(place, form, error)
    return RedirectResponse(f"{place.url}/settings", 303)


@router.get("/delete")
async def ask_to_delete(request: Request) -> Response:
    """Says what deleting does, and asks."""
    place = await enter(request, Permission.ADMINISTER)
    return await deployment_page(place, "delete_deployment.html", tab="settings")


@router.post("/delete")
async def delete(request: Request) -> Response:
    """Delete it, which calls off what is pending."""
    place = await enter(request, Permission.ADMINISTER)
    await read_form(request, place.session)
    await delete_deployment(pool_of(request), place.access)
    return RedirectResponse(f"{request.scope['root_path']}/apps/{place.application_id}", 303)


async def _show(place: Place, form: Mapping[str, str] | None = None, error: InvalidInput | None = None) -> HTMLResponse:
    pool = pool_of(place.request)
    found = await find_deployment(pool, place.deployment_id)
    return await deployment_page(
        place,
        "settings.html",
        status=400 if error else 200,
        tab="settings",
        settings=_SETTINGS,
        trunks=trunk_names(await list_trunks(pool)),
        form=fill_in(_SETTINGS, asdict(found)) | dict(form or {}),
        error=error,
    )
