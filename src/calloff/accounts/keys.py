"""Developer keys: what a program signs in with. Only their SHA-256 is kept, so that each can be shown only once."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from calloff.accounts.rows import fetch_all, fetch_one
from calloff.db.source import Source
from calloff.domain.errors import NotFound

_BYTES = 32
NO_KEY = "No key was found by that id."


@dataclass(frozen=True, slots=True)
class DeveloperKey:
    """What is kept of a key."""

    id: int
    user_id: int
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None
    """To the minute."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made."""

    id: int
    user_id: int
    developer_key: str = field(repr=False)
    """256 random bits, as URL-safe Base64. Nobody can read it a second time."""


def make_key() -> str:
    """A key that nobody has yet."""
    return secrets.token_urlsafe(_BYTES)


def hash_key(developer_key: str) -> bytes:
    """The form in which a key is kept."""
    return hashlib.sha256(developer_key.encode()).digest()


async def add_key(source: Source, user_id: int) -> NewKey:
    """Give the user one more key. Raises `NotFound` if there is no such active user."""
    developer_key = make_key()
    kept = await fetch_one(source, DeveloperKey, "add_key", {"user_id": user_id, "sha256": hash_key(developer_key)})
    if kept is None:
        raise NotFound("No such active user was found. List the users.")
    return NewKey(kept.id, kept.user_id, developer_key)


async def list_keys(source: Source, user_id: int) -> list[DeveloperKey]:
    """The keys of the user, revoked ones too, in the order in which they were made."""
    return await fetch_all(source, DeveloperKey, "list_keys", {"user_id": user_id})


async def find_key(source: Source, key_id: int) -> DeveloperKey:
    """What is kept of the key with that ID. Raises `NotFound`."""
    kept = await fetch_one(source, DeveloperKey, "find_key", {"key_id": key_id})
    if kept is None:
        raise NotFound(NO_KEY)
    return kept


async def revoke_key(source: Source, key_id: int) -> DeveloperKey:
    """Let the key open nothing any more, at once. A second call does nothing new. Raises `NotFound`."""
    kept = await fetch_one(source, DeveloperKey, "revoke_key", {"key_id": key_id})
    if kept is None:
        raise NotFound(NO_KEY)
    return kept
