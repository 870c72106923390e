"""Gets the recordings that an application plays: uploaded files, and those at http(s) addresses."""

import hashlib
from collections.abc import Collection

from calloff.domain.errors import CalloffError
from calloff.voice.audio import MAX_RECORDING_BYTES, Decoder
from calloff.voice.cache import AudioCache
from calloff.voice.document import Document
from calloff.voice.loader import ReadUpload
from calloff.voice.problems import ApplicationError, Problem
from calloff.voice.web import Request, Web, WebError, file_names, is_web, resolve

FETCH_SECONDS = 15.0
"""Time for a whole download."""
FRESH_SECONDS = 600.0
"""How long a downloaded recording is used before it is asked for again."""
_ACCEPT = "audio/wav, audio/x-wav, audio/mpeg, audio/ogg, audio/flac, */*;q=0.1"


class RecordingUnavailable(CalloffError):
    """A recording could not be had; the message says why, without its address."""


class Recordings:
    """Recordings for the calls of a process."""

    def __init__(self, cache: AudioCache, web: Web) -> None:
        self._cache = cache
        self._web = web
        self._decoder = Decoder()

    async def sound(self, address: str, uploaded: ReadUpload) -> bytes:
        """The sound at an address or of an uploaded file, for a trunk.

        Raises `RecordingUnavailable` or `UnusableAudio`.
        """
        if is_web(address):
            return await self._cache.get(("url", address), lambda: self._fetch(address), FRESH_SECONDS)
        for name in file_names(address):
            content = await uploaded(name)
            if content is not None:
                return await self._decoded(content)
        raise RecordingUnavailable(f"The recording {address[:80]!r} is not uploaded; upload it.")

    async def _decoded(self, content: bytes) -> bytes:
        """The sound of a file, decoded once."""
        name = hashlib.sha256(content).hexdigest()
        return await self._cache.get(("file", name), lambda: self._decoder.decode(content))

    async def _fetch(self, address: str) -> bytes:
        request = Request(address, accept=_ACCEPT, seconds=FETCH_SECONDS, max_bytes=MAX_RECORDING_BYTES)
        try:
            found = await self._web.fetch(request)
        except WebError as error:
            raise RecordingUnavailable(f"A recording could not be had. {error.message}") from None
        return await self._decoder.decode(found.body)


def check_recordings(document: Document, uploaded: Collection[str]) -> None:
    """Raises `ApplicationError` if `document` plays files that are not among the names in `uploaded`."""
    problems = [
        Problem(audio.line, "audio", f"There is no recording {audio.source!r}; upload it, or correct src.")
        for audio in document.recordings
        if audio.source is not None and not _is_there(audio.base, audio.source, uploaded)
    ]
    problems += [
        Problem(line, element, f"There is no file {address!r}; upload it, or write its full address.")
        for line, element, address in document.addresses
        if element != "audio" and not address.startswith("#") and not _is_there(document.base, address, uploaded)
    ]
    if problems:
        raise ApplicationError(problems)


def _is_there(base: str, address: str, uploaded: Collection[str]) -> bool:
    full, _ = resolve(base, address)
    return is_web(full) or any(name in uploaded for name in file_names(full))
