"""Who is asking, and what the database says that they may do. What follows from it is `operations`' to decide."""

import hashlib
import hmac
import time
from dataclasses import dataclass
from enum import StrEnum

from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.errors import NotAuthenticated

_WRONG = "The e-mail address or the developer key is wrong, or the account is inactive. Check your credentials."


_noted: dict[bytes, float] = {}
"""Until when (monotonic seconds) the use of each key needs no writing down again."""
_MOST_NOTED = 10_000


class Permission(StrEnum):
    """What one may do with an application; its owner and the account's administrators may do all of it."""

    VIEW = "view"
    QUEUE = "queue"
    CANCEL = "cancel"
    ADMINISTER = "administer"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who has shown who they are."""

    user_id: int
    account_id: int
    email: str
    is_administrator: bool


async def authenticate(pool: Pool, email: str, developer_key: str) -> User:
    """The active user with that e-mail address (in any case) and developer key. Raises `NotAuthenticated`."""
    if "\0" in email:
        raise NotAuthenticated(_WRONG)
    async with pool.connection() as connection:
        row = await (await connection.execute(load(__package__, "authenticate"), {"email": email})).fetchone()
    presented = hashlib.sha256(developer_key.encode()).digest()
    # An unknown user costs a comparison, too, so that the time tells nobody who is one.
    matches = [hmac.compare_digest(presented, key) for key in (row["keys"] if row and row["keys"] else [bytes(32)])]
    if row is None or not row["is_active"] or not any(matches):
        raise NotAuthenticated(_WRONG)
    await _note_use(pool, presented)
    return User(row["id"], row["account_id"], row["email"], row["is_administrator"])


async def _note_use(pool: Pool, sha256: bytes) -> None:
    """Write down that the key was used, at most once a minute."""
    now = time.monotonic()
    if now < _noted.get(sha256, 0.0):
        return
    if len(_noted) >= _MOST_NOTED:
        _noted.clear()
    _noted[sha256] = now + 60
    async with pool.connection() as connection:
        await connection.execute(load(__package__, "note_key_use"), {"sha256": sha256})


@dataclass(frozen=True, slots=True)
class Found:
    """An application or a deployment, and what somebody may do with it."""

    account_id: int
    application_id: int
    is_deleted: bool
    country: str
    """Of the account: in which its numbers without a country code are read."""
    may: frozenset[Permission]


async def find_deployment_access(pool: Pool, user: User | None, deployment_id: int) -> Found | None:
    """What `user` may do with the deployment; all, if that is None. Nothing if it is another account's."""
    return await _find(pool, "find_access", user, deployment_id=deployment_id)


async def find_application_access(pool: Pool, user: User | None, application_id: int) -> Found | None:
    """The same of an application."""
    return await _find(pool, "find_application_access", user, application_id=application_id)


async def is_operator(pool: Pool, user: User) -> bool:
    """Whether it is a user of the operator's account, which is the first one of the server."""
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "is_operator"), {"account_id": user.account_id})
        row = await cursor.fetchone()
    return row is not None and bool(row["value"])


async def _find(pool: Pool, statement: str, user: User | None, **place: int) -> Found | None:
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, statement), {**place, **_asking(user)})
        row = await cursor.fetchone()
    if row is None:
        return None
    may = frozenset(permission for permission in Permission if row["has_all"] or row[f"may_{permission}"])
    return Found(row["account_id"], row["application_id"], row["is_deleted"], row["country"], may)


def _asking(user: User | None) -> dict[str, object]:
    if user is None:
        return {"user_id": None, "account_id": None, "has_all": True}
    return {"user_id": user.user_id, "account_id": user.account_id, "has_all": user.is_administrator}
