"""The one table that turns errors into answers (contract, *Every request*)."""

import logging
from collections.abc import Mapping

import psycopg
from fastapi import FastAPI, Request
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calloff.accounts.throttle import TooManyAttempts
from calloff.api.representation import respond
from calloff.contract.errors import error_body, status_of
from calloff.domain.codes import Code, Said
from calloff.domain.errors import CalloffError

_log = logging.getLogger(__name__)


class UnsupportedBody(CalloffError):
    """The body is of a type or coding that the endpoint does not read (HTTP 415)."""

    kind = Code.UNSUPPORTED


_FRAMEWORK = {
    404: Said(Code.ADDRESS_UNKNOWN, "There is nothing at this address. Check the path."),
    405: Said(Code.METHOD_NOT_ALLOWED, "This method is not allowed here. Use one of the methods in the Allow header."),
}
_DATABASE_FAILED = Said(Code.DATABASE_FAILED, "The database cannot be reached or has failed. Try again in a moment.")
_BROKEN = Said(Code.INTERNAL_ERROR, "Something went wrong on the server. Try again, and tell its operator if it lasts.")


def install_error_handlers(app: FastAPI) -> None:
    """Give every answer that is not a 2xx, whoever makes it, the body of an error."""
    app.add_exception_handler(CalloffError, _answer_calloff_error)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_middleware(_Boundary)


def error_response(request: Request, status: int, message: Said, headers: Mapping[str, str] | None = None) -> Response:
    """An error in the representation that the request prefers."""
    return respond(request, error_body(message), error_body(message, xml=True), status=status, headers=headers)


async def _answer_calloff_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CalloffError)
    status = status_of(error)
    headers = {"WWW-Authenticate": 'Basic realm="Calloff"'} if status == 401 else {}
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after)
    return error_response(request, status, Said(error.code, error.message), headers)


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    other = Said(Code.INVALID if error.status_code < 500 else Code.INTERNAL_ERROR, str(error.detail))
    return error_response(request, error.status_code, _FRAMEWORK.get(error.status_code, other), headers)


def _allowed_methods(request: Request) -> list[str]:
    """Of all routes of the path: the one that refused the method knows only its own."""
    return [
        method
        for method in ("DELETE", "GET", "POST")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in request.app.routes)
    ]


class _Boundary:
    """Turns what nobody caught into a 500 that shows nothing of the inside, and logs it without its data."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except (psycopg.Error, PoolTimeout) as error:
            # The message of a database error may quote the row, and with it a phone number.
            _log.error("database error: %s %s", type(error).__name__, getattr(error, "sqlstate", None) or "")
            message = _DATABASE_FAILED
        except ClientDisconnect:
            _log.info("a client went away before its request was complete")
            return
        except Exception as error:
            _log.error("unexpected error: %s", type(error).__name__, exc_info=error)
            message = _BROKEN
        else:
            return
        if scope["type"] == "http" and not started:
            await error_response(Request(scope), 500, message)(scope, receive, send)
