"""Who looks at a page: the session behind the cookie, and the forms that it sends."""

import asyncio
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from fastapi import Request
from starlette.responses import Response

from calloff.accounts.access import is_operator as is_operator_of_server
from calloff.accounts.sessions import Session, find_session
from calloff.accounts.throttle import Throttle
from calloff.db.pool import Pool
from calloff.domain.errors import CalloffError, InvalidInput, NotPermitted, TooLarge, TooSlow
from calloff.operations.access import Actor, Door

COOKIE = "calloff_session"
FORM_TOKEN = "form_token"  # noqa: S105
MAX_FORM = 256 * 1024
"""Bytes of a form that is not an upload."""
FORM_SECONDS = 20.0
"""In which such a form has to come."""


_ASKS_TO_CANCEL = re.compile("/apps/[0-9]+/[0-9]+/cancel")
"""A form whose address is also that of the page that asks: whoever sent it too late comes back to the question."""


class MustSignIn(CalloffError):
    """Nobody is signed in here."""

    def location(self, request: Request) -> str:
        """Where to sign in and come back from."""
        root, path = request.scope["root_path"], request.url.path
        if shown := request.headers.get("hx-current-url"):
            path = urlsplit(shown).path
        elif path.endswith("/live"):
            path = path.removesuffix("/live")
        elif request.method != "GET" and not _ASKS_TO_CANCEL.fullmatch(path, len(root)):
            path = root
        return f"{root}/sign-in?next={quote(path)}"


class MustChangePassword(CalloffError):
    """The user has to choose a password before anything else."""


def pool_of(request: Request) -> Pool:
    """The connections of the running application."""
    pool: Pool = request.app.state.pool
    return pool


def throttle_of(request: Request) -> Throttle:
    """What slows guessing."""
    throttle: Throttle = request.app.state.throttle
    return throttle


def address(request: Request) -> str:
    """The client's address."""
    return request.client.host if request.client else "unknown"


def actor_of(request: Request, session: Session) -> Actor:
    """The visitor as who acts."""
    return Actor(session.user, Door.CONSOLE, address(request))


async def current_session(request: Request) -> Session | None:
    """Who is signed in, looked up once a request."""
    if not hasattr(request.state, "session"):
        token = request.cookies.get(COOKIE)
        request.state.session = await find_session(pool_of(request), token) if token else None
    session: Session | None = request.state.session
    return session


async def visitor(request: Request, *, may_have_to_change: bool = False) -> Session:
    """Who is signed in. Raises `MustSignIn` or `MustChangePassword`, which lead to the page for it."""
    session = await current_session(request)
    if session is None:
        raise MustSignIn("Sign in first.")
    if session.must_change_password and not may_have_to_change:
        raise MustChangePassword("Choose a password of your own first.")
    return session


async def administrator(request: Request) -> Session:
    """Who is signed in, if it is an administrator of the account. Raises `NotPermitted` as well."""
    session = await visitor(request)
    if not session.user.is_administrator:
        raise NotPermitted("Only an administrator of the account may do this. Ask one of them.")
    return session


async def is_operator(request: Request, session: Session) -> bool:
    """Whether it is the operator's account, which is the first one of the server."""
    return await is_operator_of_server(pool_of(request), session.user)


async def read_form(request: Request, session: Session | None) -> Mapping[str, str]:
    """The fields of a form that a page of this session sent, of whatever name occurs last.

    Raises `NotPermitted` without the session's token, `TooLarge`, `TooSlow`, and `InvalidInput` for what is no form.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM:
                    raise TooLarge("The form is too large. Send less.")
    except TimeoutError:
        raise TooSlow("The form did not come in time. Send it again.") from None
    fields = parse_form(bytes(body))
    if session is not None:
        check_form_token(session, fields.get(FORM_TOKEN, ""))
    return fields


def parse_form(body: bytes) -> Mapping[str, str]:
    """The fields of a URL-encoded form. Raises `InvalidInput`."""
    try:
        fields = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=200))
    except ValueError:
        raise InvalidInput("The form cannot be read. Open the page anew and try again.") from None
    for name, value in fields.items():
        if "\0" in value:
            raise InvalidInput("A field holds a NUL. Remove it.", field=name)
    return fields


def check_form_token(session: Session, token: str) -> None:
    """Raises `NotPermitted` unless `token` is the one of the session's own forms."""
    if not hmac.compare_digest(token.encode(errors="replace"), session.form_token.encode()):
        raise NotPermitted("This form is of another session. Open the page anew and try again.")


def set_cookie(request: Request, response: Response, session: Session) -> None:
    """Hand the session's token to the browser, out of reach for scripts and for other sites' requests."""
    response.set_cookie(
        COOKIE,
        session.token,
        path=request.scope["root_path"] or "/",
        # A browser says so itself where a proxy speaks TLS for us.
        secure=request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://"),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(request: Request, response: Response) -> None:
    """Take the token back."""
    response.delete_cookie(COOKIE, path=request.scope["root_path"] or "/", httponly=True, samesite="lax")
