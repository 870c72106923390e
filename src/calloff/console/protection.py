"""What guards every page: the headers of each answer, and who may send a form (ASVS 5.0, V3.3 to V3.5)."""

import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from calloff.console.render import error_page

_log = logging.getLogger(__name__)

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with it, browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Protection:
    """Refuses what another site sends, and puts the headers on every answer, also where a page of ours broke."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started = False

        async def send_guarded(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                # Everything but the assets is of one person.
                headers.setdefault("Cache-Control", "no-store" if "/static/" not in scope["path"] else "no-cache")
            await send(message)

        if scope["method"] not in ("GET", "HEAD") and not _is_own(Headers(scope=scope)):
            refusal = PlainTextResponse("This form was sent from another site. Open the console and use its own.", 403)
            await refusal(scope, receive, send_guarded)
            return
        try:
            await self._app(scope, receive, send_guarded)
        except ClientDisconnect:
            raise
        except Exception as error:
            if started:
                raise
            _log.error("unexpected error: %s", type(error).__name__, exc_info=error)
            message = "Something went wrong on the server. Try again, and tell its operator if it lasts."
            await (await error_page(Request(scope), 500, message))(scope, receive, send_guarded)


def _is_own(headers: Headers) -> bool:
    """Whether a page of ours sent the request: a browser says so in `Origin`."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin, host = headers.get("origin", ""), headers.get("host", "")
    return host != "" and origin in (f"http://{host}", f"https://{host}")
