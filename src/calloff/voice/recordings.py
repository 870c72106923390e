"""Gets the recordings that an application plays: uploaded WAV files, and those at http(s) addresses."""

import asyncio
from collections.abc import Awaitable, Callable, Collection

import httpx

from calloff.domain.errors import CalloffError
from calloff.outbound.client import Client, Unreachable
from calloff.outbound.guard import AddressRefused
from calloff.voice.audio import MAX_RECORDING_BYTES, decode_wav
from calloff.voice.cache import AudioCache
from calloff.voice.document import Audio, Document
from calloff.voice.problems import ApplicationError, Problem

FETCH_SECONDS = 15.0
"""Time for a whole download."""
FRESH_SECONDS = 600.0
"""How long a downloaded recording is used before it is asked for again."""

_HEADERS = {"accept": "audio/wav, audio/x-wav, */*;q=0.1"}

ReadUpload = Callable[[str], Awaitable[bytes | None]]
"""The WAV that was uploaded under a name, None if there is none."""


class RecordingUnavailable(CalloffError):
    """A recording could not be had; the message says why, without its address."""


class Recordings:
    """Recordings for the calls of a process."""

    def __init__(self, cache: AudioCache, client: Client) -> None:
        """`client` downloads, and is closed by whoever made it."""
        self._cache = cache
        self._client = client

    async def sound(self, audio: Audio, uploaded: ReadUpload) -> bytes:
        """What `audio` plays, for a trunk. Raises `RecordingUnavailable` or `UnusableAudio`."""
        if audio.is_url:
            return await self._cache.get(("url", audio.source), lambda: self._fetch(audio.source), FRESH_SECONDS)
        wav = await uploaded(audio.source)
        if wav is None:
            raise RecordingUnavailable(f"The recording {audio.source!r} is not uploaded; upload it.")
        return await asyncio.to_thread(decode_wav, wav)

    async def _fetch(self, address: str) -> bytes:
        try:
            found = await self._client.fetch(address, _HEADERS, max_bytes=MAX_RECORDING_BYTES, seconds=FETCH_SECONDS)
        except (Unreachable, AddressRefused) as error:
            raise RecordingUnavailable(f"A recording could not be downloaded: {error.message}") from None
        if found.status != httpx.codes.OK:
            raise RecordingUnavailable(f"A recording's server answered {found.status} instead of 200.")
        return await asyncio.to_thread(decode_wav, found.body)


def check_recordings(document: Document, uploaded: Collection[str]) -> None:
    """Raises `ApplicationError` if `document` plays files that are not among the names in `uploaded`."""
    problems = [
        Problem(audio.line, "audio", f"There is no recording {audio.source!r}; upload it, or correct src.")
        for audio in document.recordings
        if not audio.is_url and audio.source not in uploaded
    ]
    if problems:
        raise ApplicationError(problems)
