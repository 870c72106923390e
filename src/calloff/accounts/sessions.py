"""Sessions of the console: begun with a password, held by a random token, ended on the server."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

from calloff.accounts.access import User
from calloff.accounts.passwords import LONGEST, is_password
from calloff.accounts.throttle import Throttle
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.errors import NotAuthenticated

_IDLE, _LONGEST = 3600, 12 * 3600
"""Seconds without a request, and in all, after which a session is over."""
_WRONG = "The e-mail address or the password is wrong, or the account is inactive. Check both."


@dataclass(frozen=True, slots=True)
class Session:
    """A user who is signed in."""

    user: User
    must_change_password: bool
    token: str = field(repr=False)
    """What the cookie holds."""

    @property
    def form_token(self) -> str:
        """What every form of this session has to send back."""
        return hmac.new(self.token.encode(), b"form", hashlib.sha256).hexdigest()


async def sign_in(pool: Pool, throttle: Throttle, email: str, password: str, address: str) -> Session:
    """Begin a session, always under a new token.

    Raises `NotAuthenticated`, with the same words and in the same time for an unknown user, or `TooManyAttempts`.
    """
    async with throttle.attempt(address, email, password):
        row = await _find_by_password(pool, email, password)
    return await begin_session(
        pool,
        User(row["id"], row["account_id"], row["email"], row["is_administrator"]),
        must_change_password=row["must_change_password"],
    )


async def _find_by_password(pool: Pool, email: str, password: str) -> dict[str, Any]:
    row = None
    if "\0" not in email:
        async with pool.connection() as connection:
            row = await (await connection.execute(load(__package__, "find_password"), {"email": email})).fetchone()
    is_right = await is_password(password[: LONGEST + 1], row["password_hash"] if row else None)
    if row is None or not is_right or not row["is_active"]:
        raise NotAuthenticated(_WRONG)
    return row


async def begin_session(pool: Pool, user: User, *, must_change_password: bool = False) -> Session:
    """A session for a user who has just shown who they are."""
    token = secrets.token_urlsafe(32)
    parameters = {"user_id": user.user_id, "sha256": _sha256(token), "longest": _LONGEST, "idle": _IDLE}
    async with pool.connection() as connection:
        await connection.execute(load(__package__, "begin_session"), parameters)
    return Session(user, must_change_password, token)


async def find_session(pool: Pool, token: str) -> Session | None:
    """The session that `token` holds, which this keeps from ending idle; None if it is over."""
    parameters = {"sha256": _sha256(token), "idle": _IDLE, "longest": _LONGEST}
    async with pool.connection() as connection:
        row = await (await connection.execute(load(__package__, "find_session"), parameters)).fetchone()
        if row is None:
            return None
        if row["is_stale"]:
            await connection.execute(load(__package__, "keep_session"), parameters)
    user = User(row["id"], row["account_id"], row["email"], row["is_administrator"])
    return Session(user, row["must_change_password"], token)


async def end_session(pool: Pool, session: Session) -> None:
    """Let the session's token open nothing any more."""
    async with pool.connection() as connection:
        await connection.execute(load(__package__, "end_session"), {"sha256": _sha256(session.token)})


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
