"""The ASGI application of the console, to be mounted at `/console`."""

import contextlib
import logging

import psycopg
from fastapi import FastAPI, Request
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from calloff.accounts.throttle import Throttle
from calloff.console.protection import HEADERS, Protection
from calloff.console.render import STATIC, error_page, fragment
from calloff.console.routes import (
    administration,
    applications,
    calls,
    cancel,
    deployments,
    keys,
    limits,
    lists,
    outbound,
    sign_in,
    trunks,
    upload,
)
from calloff.console.visitor import MustChangePassword, MustSignIn, current_session
from calloff.contract.errors import status_of
from calloff.db.pool import Pool
from calloff.domain.errors import CalloffError
from calloff.lists.upload_slots import UploadSlots
from calloff.operations.trunks import TrunkKinds

_log = logging.getLogger(__name__)


def create_console(
    pool: Pool,
    conninfo: str,
    throttle: Throttle | None = None,
    uploads: UploadSlots | None = None,
    *,
    trunk_kinds: TrunkKinds,
) -> FastAPI:
    """The console on an open pool to the database at `conninfo`; the pool stays the caller's to close.

    `throttle`, which slows guessing, and the places for `uploads` may be shared with the API; `trunk_kinds`
    tells what can be set of a trunk.
    """
    app = FastAPI(title="Calloff console", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.pool = pool
    app.state.conninfo = conninfo
    app.state.trunk_kinds = trunk_kinds
    app.state.throttle = throttle or Throttle()
    app.state.uploads = uploads or UploadSlots()
    for routes in (
        sign_in,
        applications,
        deployments,
        outbound,
        calls,
        cancel,
        lists,
        administration,
        keys,
        limits,
        trunks,
        upload,
    ):
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(CalloffError, _answer_calloff_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(psycopg.Error, _answer_database_error)
    app.add_exception_handler(PoolTimeout, _answer_database_error)
    app.add_middleware(Protection)
    return app


def mount_console(
    app: FastAPI,
    pool: Pool,
    conninfo: str,
    throttle: Throttle | None = None,
    uploads: UploadSlots | None = None,
    *,
    trunk_kinds: TrunkKinds,
) -> None:
    """Put the console at `/console`, and the page that tries out the API at `/docs`, of the API's application."""
    app.mount("/console", create_console(pool, conninfo, throttle, uploads, trunk_kinds=trunk_kinds))
    app.add_route("/console", _redirect, include_in_schema=False)
    app.add_route("/docs", _docs, include_in_schema=False)


async def _redirect(request: Request) -> Response:
    return RedirectResponse("/console/apps", 303)


async def _docs(request: Request) -> Response:
    return HTMLResponse(fragment("docs.html"), headers=HEADERS)


async def _answer_calloff_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CalloffError)
    if isinstance(error, MustSignIn) and "hx-request" in request.headers:
        # A part of a page: the sign-in page would be put in its place.
        return Response(status_code=401, headers={"HX-Redirect": error.location(request)})
    if isinstance(error, MustSignIn) and "text/event-stream" in request.headers.get("accept", ""):
        # A page that is watched: a browser takes nothing but a stream for an answer to it.
        return Response(f"event: sign-in\ndata: {error.location(request)}\n\n", media_type="text/event-stream")
    if isinstance(error, MustSignIn) and "x-form-token" in request.headers:
        error = MustSignIn("You are signed out, and nothing was queued. Open this page anew to sign in.")
        return HTMLResponse(fragment("_refusal.html", error=error), 401)
    if isinstance(error, MustSignIn):
        return RedirectResponse(error.location(request), 303)
    if isinstance(error, MustChangePassword):
        return RedirectResponse(f"{request.scope['root_path']}/password", 303)
    status = status_of(error)
    return await error_page(request, status, error.message)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    # Whoever is signed in keeps the way back.
    with contextlib.suppress(psycopg.Error):
        await current_session(request)
    message = {404: "There is no such page.", 405: "This page cannot be used in this way."}
    return await error_page(request, error.status_code, message.get(error.status_code, str(error.detail)))


async def _answer_database_error(request: Request, error: Exception) -> Response:
    # The message of a database error may quote the row, and with it a phone number.
    _log.error("database error: %s %s", type(error).__name__, getattr(error, "sqlstate", None) or "")
    return await error_page(request, 500, "The database cannot be reached or has failed. Try again in a moment.")
