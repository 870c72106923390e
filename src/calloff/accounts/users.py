"""Users: those who may sign in, each within one account."""

import re
from dataclasses import dataclass
from datetime import datetime

import psycopg

from calloff.accounts.rows import fetch_all, fetch_one
from calloff.db.source import Source
from calloff.domain.errors import Conflict, InvalidInput, NotFound

_EMAIL = re.compile(r"[^\s@:]+@[^\s@:]+")
"""A colon would end the user name of HTTP Basic (RFC 7617 section 2)."""
_LONGEST_EMAIL = 254
NO_USER = "No such user was found. List the users."


@dataclass(frozen=True, slots=True)
class AccountUser:
    """One user of an account."""

    id: int
    account_id: int
    email: str
    """As it was written; it compares case-insensitively."""
    is_administrator: bool
    """Whether the user may do everything with every application of the account."""
    created_at: datetime
    deactivated_at: datetime | None


async def add_user(source: Source, account_id: int, email: str, *, is_administrator: bool = False) -> AccountUser:
    """Add a user to an active account.

    Raises `InvalidInput` for what is no e-mail address, `NotFound` for the account, and `Conflict` if somebody has that
    address already, in whatever account and case.
    """
    try:
        user = await fetch_one(
            source,
            AccountUser,
            "add_user",
            {"account_id": account_id, "email": _check_email(email), "is_administrator": is_administrator},
        )
    except psycopg.errors.UniqueViolation:
        raise Conflict("There is a user with that e-mail address already. Choose another address.") from None
    if user is None:
        raise NotFound("No active account was found by that id. List the accounts.")
    return user


async def list_users(source: Source, *, account_id: int | None = None) -> list[AccountUser]:
    """Every user of the account, or of all accounts, in the order in which they were added."""
    return await fetch_all(source, AccountUser, "list_users", {"account_id": account_id})


async def find_user(source: Source, id_or_email: str) -> AccountUser:
    """The user with that ID or that e-mail address, in any case. Raises `NotFound`."""
    user_id = int(id_or_email) if id_or_email.isascii() and id_or_email.isdecimal() else None
    user = await fetch_one(source, AccountUser, "find_user", {"user_id": user_id, "email": id_or_email})
    if user is None:
        raise NotFound(NO_USER)
    return user


async def set_role(source: Source, user_id: int, *, is_administrator: bool) -> AccountUser:
    """Let the user do everything with every application of the account, or only what was shared. Raises `NotFound`."""
    user = await fetch_one(source, AccountUser, "set_role", {"user_id": user_id, "is_administrator": is_administrator})
    if user is None:
        raise NotFound(NO_USER)
    return user


async def deactivate_user(source: Source, user_id: int) -> AccountUser:
    """Shut the user out, at once and with all keys. A second call does nothing new. Raises `NotFound`."""
    user = await fetch_one(source, AccountUser, "deactivate_user", {"user_id": user_id})
    if user is None:
        raise NotFound(NO_USER)
    return user


async def reactivate_user(source: Source, user_id: int) -> AccountUser:
    """Let the user in again, with the same keys and password, but no session from before. Raises `NotFound`."""
    user = await fetch_one(source, AccountUser, "reactivate_user", {"user_id": user_id})
    if user is None:
        raise NotFound(NO_USER)
    return user


def _check_email(email: str) -> str:
    trimmed = email.strip()
    if len(trimmed) > _LONGEST_EMAIL or not trimmed.isprintable() or not _EMAIL.fullmatch(trimmed):
        raise InvalidInput("That is not an e-mail address. Write one like name@example.org.")
    return trimmed
