"""Sign-in, sign-out, and the choice of a password."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from calloff.accounts.sessions import begin_session, end_session, sign_in
from calloff.accounts.throttle import TooManyAttempts
from calloff.console.render import page
from calloff.console.visitor import (
    actor_of,
    address,
    current_session,
    drop_cookie,
    pool_of,
    read_form,
    set_cookie,
    throttle_of,
    visitor,
)
from calloff.domain.errors import InvalidInput, NotAuthenticated
from calloff.operations import users as operations
from calloff.operations.users import to_user

router = APIRouter()


@router.get("/")
async def home(request: Request) -> Response:
    """The first page."""
    return RedirectResponse(f"{request.scope['root_path']}/apps", 303)


@router.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    """Asks who it is."""
    if await current_session(request) is not None:
        return RedirectResponse(_next(request, request.query_params.get("next", "")), 303)
    return await page(request, "sign_in.html", next=request.query_params.get("next", ""), email="", error=None)


@router.post("/sign-in")
async def begin(request: Request) -> Response:
    """Begins a session; the one before, if there was one, ends."""
    form = await read_form(request, None)
    email = form.get("email", "").strip()
    try:
        session = await sign_in(
            pool_of(request), throttle_of(request), email, form.get("password", ""), address(request)
        )
    except (NotAuthenticated, TooManyAttempts) as error:
        status = 429 if isinstance(error, TooManyAttempts) else 401
        values = {"next": form.get("next", ""), "email": email, "error": error.message}
        return await page(request, "sign_in.html", status=status, **values)
    before = await current_session(request)
    if before is not None:
        await end_session(pool_of(request), before)
    response = RedirectResponse(_next(request, form.get("next", "")), 303)
    set_cookie(request, response, session)
    return response


@router.post("/sign-out")
async def end(request: Request) -> Response:
    """Ends the session, here and on the server."""
    session = await visitor(request, may_have_to_change=True)
    await read_form(request, session)
    await end_session(pool_of(request), session)
    response = RedirectResponse(f"{request.scope['root_path']}/sign-in", 303)
    drop_cookie(request, response)
    return response


@router.get("/password")
async def password_page(request: Request) -> Response:
    """Asks for a new password."""
    session = await visitor(request, may_have_to_change=True)
    return await page(request, "password.html", must=session.must_change_password, error=None)


@router.post("/password")
async def change_password(request: Request) -> Response:
    """Changes the password, which ends every session of the user, and begins a new one here."""
    session = await visitor(request, may_have_to_change=True)
    form = await read_form(request, session)
    user, pool = session.user, pool_of(request)
    try:
        if form.get("password") != form.get("again"):
            raise InvalidInput("The two new passwords differ. Type the same one twice.")
        access = await to_user(pool, actor_of(request, session), user.user_id)
        await operations.change_password(
            pool, access, form.get("current", ""), form.get("password", ""), throttle_of(request)
        )
    except InvalidInput as error:
        return await page(request, "password.html", status=400, must=session.must_change_password, error=error.message)
    response = RedirectResponse(f"{request.scope['root_path']}/apps", 303)
    set_cookie(request, response, await begin_session(pool, user))
    return response


def _next(request: Request, wanted: str) -> str:
    """Where to go after signing in: a page of the console, and nowhere else."""
    root = request.scope["root_path"]
    parts = urlsplit(wanted)
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith(f"{root}/") and "\\" not in wanted
    return parts.path if is_ours and not parts.path.startswith("//") else f"{root}/apps"
