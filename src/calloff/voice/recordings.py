"""Gets the recordings that an application plays: uploaded WAV files, and those at http(s) addresses."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection

import httpx

from calloff.domain.addresses import is_public
from calloff.domain.errors import CalloffError
from calloff.voice.audio import MAX_RECORDING_BYTES, decode_wav
from calloff.voice.cache import AudioCache
from calloff.voice.document import Audio, Document
from calloff.voice.problems import ApplicationError, Problem

FETCH_SECONDS = 15.0
"""Time for a whole download."""
FRESH_SECONDS = 600.0
"""How long a downloaded recording is used before it is asked for again."""

ReadUpload = Callable[[str], Awaitable[bytes | None]]
"""The WAV that was uploaded under a name, None if there is none."""
AllowAddress = Callable[[str], bool]
"""Whether an IP address may be connected to."""


class RecordingUnavailable(CalloffError):
    """A recording could not be had; the message says why, without its address."""


class Recordings:
    """Recordings for the calls of a process."""

    def __init__(self, cache: AudioCache, allow: AllowAddress = is_public) -> None:
        """`allow` decides about each address that a host name was resolved to."""
        self._cache = cache
        self._allow = allow
        # Proxies of the environment would connect elsewhere than to the checked address.
        self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=FETCH_SECONDS)

    async def stop(self) -> None:
        """Close the connections; a second call does nothing."""
        await self._client.aclose()

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
            async with asyncio.timeout(FETCH_SECONDS):
                return await asyncio.to_thread(decode_wav, await self._download(httpx.URL(address)))
        except TimeoutError:
            raise RecordingUnavailable(f"A recording was not sent within {FETCH_SECONDS:.0f} s.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RecordingUnavailable(f"A recording could not be downloaded ({type(error).__name__}).") from None

    async def _download(self, url: httpx.URL) -> bytes:
        checked = await self._checked_address(url.host, url.port or (443 if url.scheme == "https" else 80))
        # TLS still verifies the name of the host.
        request = self._client.build_request(
            "GET",
            url.copy_with(host=checked),
            headers={
                "Host": url.netloc.decode(),
                "Accept": "audio/wav, audio/x-wav, */*;q=0.1",
                "Accept-Encoding": "identity",
            },
            extensions={"sni_hostname": url.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            if response.status_code != httpx.codes.OK:
                raise RecordingUnavailable(f"A recording's server answered {response.status_code} instead of 200.")
            return await _body(response)
        finally:
            await response.aclose()

    async def _checked_address(self, host: str, port: int) -> str:
        """The first address of `host`, all of which have to be allowed."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise RecordingUnavailable("The host of a recording is not known; correct its address.") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(self._allow(address) for address in addresses):
            raise RecordingUnavailable("The host of a recording has an address that is not public.")
        return addresses[0]


def check_recordings(document: Document, uploaded: Collection[str]) -> None:
    """Raises `ApplicationError` if `document` plays files that are not among the names in `uploaded`."""
    problems = [
        Problem(audio.line, "audio", f"There is no recording {audio.source!r}; upload it, or correct src.")
        for audio in document.recordings
        if not audio.is_url and audio.source not in uploaded
    ]
    if problems:
        raise ApplicationError(problems)


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > MAX_RECORDING_BYTES:
            raise RecordingUnavailable(f"A recording has more than {MAX_RECORDING_BYTES} bytes; shorten it.")
    return bytes(body)
