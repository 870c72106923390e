"""A deployment's settings, and its end."""

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from calloff.accounts.access import Permission
from calloff.accounts.deployments import DeploymentSettings, find_deployment
from calloff.accounts.trunks import list_trunks
from calloff.console.deployment_pages import Place, deployment_page, enter
from calloff.console.fields import decimal, whole
from calloff.console.visitor import pool_of, read_form
from calloff.domain.errors import InvalidInput
from calloff.operations.deployments import delete_deployment, set_deployment

router = APIRouter(prefix="/apps/{application_id}/{deployment_id}")


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
        await set_deployment(pool_of(request), place.access, _settings(form))
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
    present = {
        "name": found.name,
        "trunk": found.trunk_id,
        "caller_id": found.caller_id or "",
        "ring_timeout": f"{found.ring_timeout:g}",
        "max_concurrent_calls": found.max_concurrent_calls or "",
        "calls_per_second": found.calls_per_second or "",
        "on_unknown": found.on_unknown,
        "callback_format": found.callback_format,
    }
    return await deployment_page(
        place,
        "settings.html",
        status=400 if error else 200,
        tab="settings",
        trunks=await list_trunks(pool),
        form=present | dict(form or {}),
        error=error,
    )


def _settings(form: Mapping[str, str]) -> DeploymentSettings:
    on_unknown, callback_format = form.get("on_unknown"), form.get("callback_format")
    if on_unknown not in ("fail", "retry") or callback_format not in ("json", "form"):
        raise InvalidInput("A choice is missing. Open the page anew and try again.")
    return {
        "name": form.get("name", ""),
        "trunk_id": whole(form, "trunk", "The trunk") or 0,
        "caller_id": form.get("caller_id", "").strip() or None,
        "max_concurrent_calls": whole(form, "max_concurrent_calls", "The limit of calls at once"),
        "calls_per_second": decimal(form, "calls_per_second", "The pace"),
        "ring_timeout": decimal(form, "ring_timeout", "The time to ring") or 60.0,
        "on_unknown": "retry" if on_unknown == "retry" else "fail",
        "callback_format": "form" if callback_format == "form" else "json",
    }
