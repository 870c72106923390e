"""Messages: what people hear. Kept in versions that never change, and published to deployments."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from calloff.db.pool import Connection
from calloff.db.source import Source, on_connection
from calloff.db.statements import load
from calloff.domain.errors import Conflict, InvalidInput, NotFound
from calloff.voice.document import Document
from calloff.voice.variables import required_variables

_LONGEST_NAME = 100
_NO_MESSAGE = "The application has no message of that name. List its messages."
_NO_VERSION = "The message has no such version. List its versions."
_NOTHING_BEFORE = "Nothing was published to this deployment before. Publish another version instead."


@dataclass(frozen=True, slots=True)
class Draft:
    """What becomes a version of a message."""

    vxml: bytes
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Sounds, and the grammars, scripts and documents that it names, by their names."""
    steps: Mapping[str, Any] | None = None
    """What the document was compiled from; None for one that somebody wrote."""

    @property
    def sha256(self) -> bytes:
        """Of everything in it, so that the same draft twice is one version."""
        digest = hashlib.sha256()
        for part in (self.vxml, json.dumps(self.steps, sort_keys=True).encode(), *self._named()):
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()

    def _named(self) -> list[bytes]:
        return [part for name in sorted(self.files) for part in (name.encode(), self.files[name])]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a message."""

    id: int
    name: str
    """Of the message."""
    version: int
    """From 1."""
    versions: int
    """How many the message has."""
    vxml: bytes
    steps: Mapping[str, Any] | None
    reads: Mapping[str, str | None] | None
    """The variables that it reads, each with its default, None if it has none; None if that is not known."""
    created_at: datetime
    created_by: str | None
    """The e-mail address of the user; None for the operator's command line."""
    files: Mapping[str, int]
    """The bytes of each file."""
    published_to: list[int]
    """The deployments whose calls hear it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A message in a list, by its newest version."""

    name: str
    version: int
    is_built: bool
    """Whether it was made of steps."""
    created_at: datetime
    created_by: str | None
    published: list[dict[str, Any]]
    """Where a version of it is heard: `id` and `name` of the deployment, and the `version`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A version in the list of those of its message."""

    version: int
    is_built: bool
    created_at: datetime
    created_by: str | None
    published: list[dict[str, Any]]
    """Where it is heard: `id` and `name` of each deployment."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the calls of a deployment hear."""

    name: str
    version: int
    reads: Mapping[str, str | None] | None

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def check_message_name(name: str) -> str:
    """The name without blanks around it. Raises `InvalidInput` if it cannot be a message's."""
    trimmed = name.strip()
    if not trimmed or len(trimmed) > _LONGEST_NAME or not trimmed.isprintable() or "/" in trimmed or trimmed[0] == ".":
        raise InvalidInput(
            f"A message's name is 1 to {_LONGEST_NAME} printable characters without a slash, and begins with no dot. "
            "Choose another name.",
            field="name",
        )
    return trimmed


async def keep_version(
    connection: Connection, application_id: int, name: str, draft: Draft, document: Document, user_id: int | None
) -> tuple[int, bool]:
    """Make `draft`, which was checked and parsed as `document`, the newest version of the message of that name.

    Returns the number of the version, and whether it is new: what is the newest version already is left as it is.
    """
    named = {"application_id": application_id, "name": check_message_name(name)}
    message = await (await connection.execute(load(__package__, "lock_message"), named)).fetchone()
    assert message is not None
    place = {"message_id": message["id"], "version": message["versions"], "sha256": draft.sha256}
    if await (await connection.execute(load(__package__, "same_version"), place)).fetchone() is not None:
        return int(message["versions"]), False
    parameters = {
        **place,
        "vxml": draft.vxml,
        "steps": None if draft.steps is None else Jsonb(dict(draft.steps)),
        "reads": Jsonb(dict(required_variables(document))),
        "user_id": user_id,
    }
    row = await (await connection.execute(load(__package__, "add_version"), parameters)).fetchone()
    assert row is not None
    for file_name, content in draft.files.items():
        file = {"id": row["id"], "name": file_name, "content": content}
        await connection.execute(load(__package__, "add_file"), file)
    return int(row["version"]), True


async def lock_published(connection: Connection, deployment_id: int) -> Published | None:
    """What the deployment's calls hear, which nobody else changes before the transaction ends."""
    await connection.execute(load(__package__, "lock_deployment"), {"deployment_id": deployment_id})
    return await find_published(connection, deployment_id)


async def publish(connection: Connection, deployment_id: int, version: Version) -> None:
    """Let the deployment's calls hear that version of a message of its application, from the next claim on."""
    await connection.execute(load(__package__, "publish"), {"deployment_id": deployment_id, "id": version.id})


async def roll_back(connection: Connection, deployment_id: int) -> None:
    """Let the deployment's calls hear what they heard before. Raises `Conflict` if that was nothing."""
    cursor = await connection.execute(load(__package__, "roll_back"), {"deployment_id": deployment_id})
    if await cursor.fetchone() is None:
        raise Conflict(_NOTHING_BEFORE)


async def find_published(source: Source, deployment_id: int) -> Published | None:
    """What the deployment's calls hear; None if that is nothing."""
    async with on_connection(source) as connection:
        cursor = await connection.execute(load(__package__, "find_published"), {"deployment_id": deployment_id})
        row = await cursor.fetchone()
    return None if row is None or row["name"] is None else Published(row["name"], row["version"], row["reads"])


async def find_version(source: Source, application_id: int, name: str, version: int | None = None) -> Version:
    """That version of the application's message; the newest unless one is named. Raises `NotFound`."""
    parameters = {"application_id": application_id, "name": name, "version": version}
    async with on_connection(source) as connection, connection.cursor(row_factory=class_row(Version)) as cursor:
        await cursor.execute(load(__package__, "find_version"), parameters)
        found = await cursor.fetchone()
    if found is None:
        raise NotFound(_NO_MESSAGE if version is None else _NO_VERSION)
    return found


async def find_files(source: Source, version: Version) -> dict[str, bytes]:
    """The files that came with it."""
    async with on_connection(source) as connection:
        cursor = await connection.execute(load(__package__, "find_files"), {"id": version.id})
        return {row["name"]: row["content"] for row in await cursor.fetchall()}


async def list_messages(source: Source, application_id: int) -> list[Listed]:
    """The application's messages, by name."""
    async with on_connection(source) as connection, connection.cursor(row_factory=class_row(Listed)) as cursor:
        await cursor.execute(load(__package__, "list_messages"), {"application_id": application_id})
        return await cursor.fetchall()


async def list_versions(source: Source, application_id: int, name: str) -> list[Kept]:
    """The versions of a message, newest first. Raises `NotFound`."""
    async with on_connection(source) as connection, connection.cursor(row_factory=class_row(Kept)) as cursor:
        await cursor.execute(load(__package__, "list_versions"), {"application_id": application_id, "name": name})
        found = await cursor.fetchall()
    if not found:
        raise NotFound(_NO_MESSAGE)
    return found
