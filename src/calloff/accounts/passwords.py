"""Console passwords, kept as Argon2id (RFC 9106) with the library's profile for low memory."""

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

import argon2

from calloff.accounts.rows import Source, on_connection
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput, NotFound

T = TypeVar("T")

SHORTEST, LONGEST = 12, 128
"""Characters of a password (ASVS 5.0, V6.2.1 and V6.2.9)."""
_hasher = argon2.PasswordHasher()
_NOBODYS = _hasher.hash(secrets.token_urlsafe())
"""What the password of an unknown user is compared with, so that the time tells nobody who is one."""
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
    hashed = await _in_thread(_hasher.hash, check_password(password))
    parameters = {"user_id": user_id, "password_hash": hashed, "must_change": must_change}
    async with on_connection(source) as connection:
        cursor = await connection.execute(load(__package__, "set_password"), parameters)
        if await cursor.fetchone() is None:
            raise NotFound("No such active user was found. List the users.")


async def is_password(password: str, password_hash: str | None) -> bool:
    """Whether `password_hash` was made of `password`, in the same time for a user who has none."""
    return await _in_thread(_verify, password, password_hash or _NOBODYS) and password_hash is not None


def _verify(password: str, password_hash: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except argon2.exceptions.VerificationError:
        return False


async def _in_thread(function: Callable[..., T], *arguments: str) -> T:
    async with _argon2_at_once:
        return await asyncio.to_thread(function, *arguments)
