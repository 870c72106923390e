"""Posts a callback, and says what its host made of it."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from calloff.outbound.client import Client, NotAnAddress, Unreachable
from calloff.outbound.guard import AddressRefused

DEADLINE = 15.0
"""Seconds for a whole post, resolving and the answer included."""
_REST_OF_ANSWER = 1.0
"""Seconds for what follows the status."""
MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read; nobody looks at them, but a host may want to get rid of them."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host made of a callback."""

    status: int | None
    """The HTTP status code; None if there was none."""
    error: str = ""
    """Why it was not delivered, without its address."""
    retry_after: str | None = None
    is_final: bool = False
    """Whether trying again is pointless or unwanted."""

    @property
    def is_delivered(self) -> bool:
        """Any 2xx."""
        return self.status is not None and 200 <= self.status < 300


async def post(client: Client, url: str, headers: Mapping[str, str], body: str) -> Answer:
    """Post `body` to `url`; never raises for what the host does. No redirect is followed."""
    try:
        async with client.send("POST", url, headers, body, seconds=DEADLINE) as response:
            # The status is the answer; what comes after it is read only to let the host finish.
            with contextlib.suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(_REST_OF_ANSWER):
                    await _read_some(response)
            return _answer(response)
    except (Unreachable, AddressRefused) as error:
        return Answer(None, error.message, is_final=isinstance(error, NotAnAddress))


def _answer(response: httpx.Response) -> Answer:
    status = response.status_code
    return Answer(
        status,
        "" if 200 <= status < 300 else f"answered {status}",
        retry_after=response.headers.get("retry-after"),
        is_final=status == httpx.codes.GONE,
    )


async def _read_some(response: httpx.Response) -> None:
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > MAX_ANSWER:
            return
