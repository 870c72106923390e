"""Applications: what a message runs. Checked when it is uploaded, and read by the dialer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput, NotFound
from calloff.voice.audio import Decoder, UnusableAudio
from calloff.voice.document import Document
from calloff.voice.parser import parse_document
from calloff.voice.problems import ApplicationError, Problem
from calloff.voice.recordings import check_recordings
from calloff.voice.speech import Speech, check_speakable

_TEXTS = (".vxml", ".xml", ".grxml", ".grammar", ".abnf", ".gram", ".js", ".json")
"""How the names of files end that are no recordings."""
_KEPT = 100
"""Parsed documents that a dialer keeps."""


@dataclass(frozen=True, slots=True)
class Application:
    """One version of a message, ready to run."""

    id: int
    """Of the version."""
    name: str
    """Of the message."""
    version: int
    document: Document

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


async def check_application(vxml: bytes, recordings: Mapping[str, bytes], speech: Speech) -> Document:
    """Check a document and its files by name: recordings, and the grammars, scripts and documents (`_TEXTS`) it names.

    Returns the document.
    Raises `ApplicationError` with every problem of the document, and `InvalidInput` for a recording that cannot be
    decoded or a text that no voice of this machine can speak.
    """
    document = await asyncio.to_thread(parse_document, vxml)
    if not document.forms:
        raise ApplicationError([Problem(1, "vxml", "Add a <form> or a <menu>; there is nothing to run.")])
    check_recordings(document, recordings)
    await check_speakable(document, speech)
    decoder = Decoder()
    for name, content in recordings.items():
        if name.lower().endswith((".vxml", ".xml")) and b"<vxml" in content:
            await asyncio.to_thread(_parse_file, name, content)
        elif not name.lower().endswith(_TEXTS):
            try:
                await decoder.decode(content)
            except UnusableAudio as error:
                raise InvalidInput(f"The recording {name!r} cannot be used. {error}") from error
    return document


def _parse_file(name: str, content: bytes) -> None:
    try:
        parse_document(content, name)
    except ApplicationError as error:
        raise InvalidInput(f"The file {name!r} cannot be used. {error}") from error


class Applications:
    """Finds the applications that calls run; keeps what it has read, as a version never changes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._kept: dict[int, Application] = {}

    async def find(self, message_version_id: int) -> Application:
        """That version of a message. Raises `NotFound`."""
        kept = self._kept.get(message_version_id)
        if kept is not None:
            return kept
        row = await self._fetch("find_document", {"id": message_version_id})
        if row is None:
            raise NotFound("The message of this call is missing. Upload it again.")
        document = await asyncio.to_thread(parse_document, row["vxml"])
        application = Application(message_version_id, row["name"], row["version"], document)
        self._kept[message_version_id] = application
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return application

    async def recording(self, application: Application, name: str) -> bytes | None:
        """The file that was uploaded with the application under that name."""
        row = await self._fetch("find_file", {"id": application.id, "name": name})
        return row["content"] if row else None

    async def _fetch(self, statement: str, parameters: dict[str, object]) -> dict[str, Any] | None:
        async with self._pool.connection() as connection:
            return await (await connection.execute(load(__package__, statement), parameters)).fetchone()
