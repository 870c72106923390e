"""Upload a list: the preview of its first rows and errors, then the whole of it."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from calloff.accounts.access import Permission
from calloff.console.call_form import in_words
from calloff.console.deployment_pages import Place, deployment_page, enter
from calloff.console.list_upload import preview_list, upload_list
from calloff.console.render import fragment
from calloff.console.visitor import check_form_token
from calloff.domain.errors import Busy, CalloffError, Deleted, InvalidInput, TooLarge, TooSlow

router = APIRouter(prefix="/apps/{application_id}/{deployment_id}/upload")


@router.get("")
async def upload_page(request: Request) -> Response:
    """Asks for the file."""
    place = await enter(request, Permission.QUEUE)
    return await deployment_page(place, "upload.html", tab="upload", form={}, error=None)


@router.post("/preview")
async def preview(request: Request) -> Response:
    """What the beginning of a list, which is the body, would become."""
    place = await _enter(request)
    try:
        found = await preview_list(request, place.access.country)
    except (InvalidInput, TooLarge, TooSlow) as error:
        return _refusal(error)
    return HTMLResponse(fragment("_preview.html", preview=found))


@router.post("")
async def upload(request: Request) -> Response:
    """Queue the list, which is the body."""
    place = await _enter(request)
    try:
        async with request.app.state.uploads.take(place.session.user.account_id):
            outcome = await upload_list(request, place.access)
    except (InvalidInput, TooLarge, TooSlow, Busy, Deleted) as error:
        return _refusal(error)
    return HTMLResponse(
        fragment("_uploaded.html", outcome=outcome, url=place.url, may_view=Permission.VIEW in place.may)
    )


async def _enter(request: Request) -> Place:
    place = await enter(request, Permission.QUEUE)
    check_form_token(place.session, request.headers.get("x-form-token", ""))
    return place


def _refusal(error: CalloffError) -> HTMLResponse:
    status = {TooLarge: 413, TooSlow: 408, Busy: 503}.get(type(error), 400)
    error = in_words(error) if isinstance(error, InvalidInput) else error
    return HTMLResponse(fragment("_refusal.html", error=error), status)
