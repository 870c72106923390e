"""Sign-in, sign-out, and the choice of a password."""

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from calloff.accounts.access import User
from calloff.accounts.passwords import LONGEST, is_password, set_password
from calloff.accounts.sessions import begin_session, end_session, sign_in
from calloff.accounts.throttle import TooManyAttempts
from calloff.console.recording import record_change
from calloff.console.render import page
from calloff.console.visitor import (
    address,
    current_session,
    drop_cookie,
    pool_of,
    read_form,
    set_cookie,
    throttle_of,
    visitor,
)
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput, NotAuthenticated

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
        await _check_present_password(request, user, form.get("current", ""))
        if form.get("password") != form.get("again"):
            raise InvalidInput("The two new passwords differ. Type the same one twice.")
        if form.get("password") == form.get("current"):
            raise InvalidInput("This is the password that you have. Choose another one.")
        await set_password(pool, user.user_id, form.get("password", ""), must_change=False)
    except InvalidInput as error:
        return await page(request, "password.html", status=400, must=session.must_change_password, error=error.message)
    await record_change(request, session, "change the password", f"user {user.user_id}")
    response = RedirectResponse(f"{request.scope['root_path']}/apps", 303)
    set_cookie(request, response, await begin_session(pool, user))
    return response


async def _check_present_password(request: Request, user: User, password: str) -> None:
    async with pool_of(request).connection() as connection:
        cursor = await connection.execute(load("calloff.accounts", "find_password"), {"email": user.email})
        row = await cursor.fetchone()
    try:
        async with throttle_of(request).attempt(address(request), user.email, password):
            if row is None or not await is_password(password[: LONGEST + 1], row["password_hash"]):
                raise NotAuthenticated("The present password is wrong. Type it again.")
    except NotAuthenticated as error:
        raise InvalidInput(error.message) from None


def _next(request: Request, wanted: str) -> str:
    """Where to go after signing in: a page of the console, and nowhere else."""
    root = request.scope["root_path"]
    parts = urlsplit(wanted)
    is_ours = not parts.scheme and not parts.netloc and parts.path.startswith(f"{root}/") and "\\" not in wanted
    return parts.path if is_ours and not parts.path.startswith("//") else f"{root}/apps"
