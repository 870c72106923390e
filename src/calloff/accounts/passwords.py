"""Console passwords, kept as Argon2id (RFC 9106) with the library's profile for low memory."""

import asyncio
import secrets
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import argon2

from calloff.db.pool import Pool
from calloff.db.source import Source, on_connection
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput, NotAuthenticated, NotFound

T = TypeVar("T")

SHORTEST, LONGEST = 12, 128
"""Characters of a password (ASVS 5.0, V6.2.1 and V6.2.9)."""
_hasher = argon2.PasswordHasher()
_argon2_at_once = asyncio.Semaphore(2)
"""Each needs 64 MiB."""


def make_password() -> str:
    """A password that nobody has yet: 100 random bits."""
    return secrets.token_hex(13)


def check_password(password: str) -> str:
    """The password, if it may be chosen. Raises `InvalidInput`."""
    if not SHORTEST <= len(password) <= LONGEST or "\0" in password:
        raise InvalidInput(f"A password has {SHORTEST} to {LONGEST} characters. Choose another one.")
    if len(set(password)) < 5:
        raise InvalidInput("This password is too easy to guess. Use more different characters.")
    return password


async def set_password(source: Source, user_id: int, password: str, *, must_change: bool) -> None:
    """Let the user sign in to the console with `password` from now on; all sessions of the user end.

    With `must_change` it is good only for choosing another one. Raises `InvalidInput` or `NotFound`.
    """
    await keep_password(source, user_id, await hash_password(password), must_change=must_change)


async def hash_password(password: str) -> str:
    """The form in which a password is kept, if it may be chosen. Raises `InvalidInput`."""
    return await _in_thread(_hasher.hash, check_password(password))


async def keep_password(source: Source, user_id: int, password_hash: str, *, must_change: bool) -> None:
    """The second half of `set_password`, of what `hash_password` made of it. Raises `NotFound`."""
    parameters = {"user_id": user_id, "password_hash": password_hash, "must_change": must_change}
    async with on_connection(source) as connection:
        cursor = await connection.execute(load(__package__, "set_password"), parameters)
        if await cursor.fetchone() is None:
            raise NotFound("No such active user was found. List the users.")


async def is_password(password: str, password_hash: str | None) -> bool:
    """Whether `password_hash` was made of `password`, in the same time for a user who has none."""
    return await _in_thread(_verify, password, password_hash) and password_hash is not None


async def check_present_password(pool: Pool, email: str, password: str) -> None:
    """Raises `NotAuthenticated` unless it is the password of the user with that e-mail address."""
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "find_password"), {"email": email})
        row = await cursor.fetchone()
    if row is None or not await is_password(password[: LONGEST + 1], row["password_hash"]):
        raise NotAuthenticated("The present password is wrong. Type it again.")


@cache
def _nobodys() -> str:
    """What the password of an unknown user is compared with, so that the time tells nobody who is one."""
    return _hasher.hash(secrets.token_urlsafe())


def _verify(password: str, password_hash: str | None) -> bool:
    nobodys = _nobodys()
    try:
        return _hasher.verify(password_hash or nobodys, password)
    except argon2.exceptions.VerificationError:
        return False


async def _in_thread(function: Callable[..., T], *arguments: str | None) -> T:
    async with _argon2_at_once:
        return await asyncio.to_thread(function, *arguments)
