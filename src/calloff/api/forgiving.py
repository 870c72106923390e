"""What is forgiven where only one thing can be meant: a slash at the end, HEAD for GET, and pages of named origins."""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

_READ_BY_HEAD = ("/api/", "/healthz", "/readyz", "/openapi.json")


class Forgiving:
    """ASGI middleware of the API; the console is left as it is.

    `origins` are those whose pages may ask (CORS), such as `https://crm.example.com`; none may unless it is named.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str] = ()) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._for_pages = CORSMiddleware(
            app,
            allow_origins=sorted(self._origins),
            allow_methods=("GET", "POST", "DELETE"),
            allow_headers=("Authorization", "Content-Type", "Idempotency-Key"),
            expose_headers=("Link", "Retry-After", "Allow"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on (ASGI)."""
        if scope["type"] == "http" and scope["path"].startswith(_READ_BY_HEAD):
            # Where there is no GET, HEAD is refused as GET is. In a copy: by HEAD the server leaves the body out.
            scope = {**scope, "method": "GET" if scope["method"] == "HEAD" else scope["method"]}
            if scope["path"].startswith("/api/") and scope["raw_path"].endswith(b"/"):
                scope["path"] = scope["path"].removesuffix("/")
            if scope["path"].startswith("/api/") and Headers(scope=scope).get("origin") in self._origins:
                await self._for_pages(scope, receive, send)
                return
        await self._app(scope, receive, send)
