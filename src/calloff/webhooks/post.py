"""Posts to an address that somebody else named, within limits that no host can stretch.

Below httpx's client on purpose: its client keeps cookies and connections, and both would go by the address that was
checked, so that hosts that share one (a CDN's) would get each other's.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from calloff.webhooks.guard import AddressRefused, Guard

DEADLINE = 15.0
"""Seconds for a whole post, resolving and the answer included."""
_CONNECT = 5.0
"""Seconds for one address of several."""
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


class Poster:
    """Posts to hosts that the guard lets through, each time over a connection of its own; `await close()` at the end.

    `tls` is how certificates are verified: by default by the authorities in `SSL_CERT_FILE`, or else those of Mozilla.
    """

    def __init__(self, guard: Guard, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls or httpx.create_ssl_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._transport.aclose()
        self._guard.close()

    async def post(self, url: str, headers: Mapping[str, str], body: str) -> Answer:
        """Post `body` to `url`; never raises for what the host does. No redirect is followed."""
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._post(httpx.URL(url), headers, body)
        except TimeoutError:
            return Answer(None, f"no answer within {DEADLINE:.0f} s")
        except AddressRefused as error:
            return Answer(None, error.message)
        except httpx.InvalidURL:
            return Answer(None, "the result_url is no address", is_final=True)
        except httpx.HTTPError as error:
            return Answer(None, _reason(error))

    async def _post(self, url: httpx.URL, headers: Mapping[str, str], body: str) -> Answer:
        response = await self._send(url, headers, body)
        try:
            # The status is the answer; what comes after it is read only to let the host finish.
            with contextlib.suppress(httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(_REST_OF_ANSWER):
                    await _read_some(response)
        finally:
            await response.aclose()
        status = response.status_code
        return Answer(
            status,
            "" if 200 <= status < 300 else f"answered {status}",
            retry_after=response.headers.get("retry-after"),
            is_final=status == httpx.codes.GONE,
        )

    async def _send(self, url: httpx.URL, headers: Mapping[str, str], body: str) -> httpx.Response:
        failure: httpx.HTTPError | None = None
        for address in await self._guard.addresses(url):
            request = httpx.Request(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers={"host": url.netloc.decode("ascii"), "user-agent": "calloff", **headers},
                # TLS still verifies the name of the host.
                extensions={"sni_hostname": url.raw_host.decode("ascii"), "timeout": {"connect": _CONNECT}},
            )
            if url.userinfo:
                request = next(httpx.BasicAuth(url.username, url.password).auth_flow(request))
            try:
                return await self._transport.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        assert failure is not None
        raise failure


def _reason(error: BaseException) -> str:
    """Why there was no answer, without what the exceptions say: that may hold an address."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "its certificate is not valid for the host"
        cause = cause.__cause__ or cause.__context__
    return f"connection failed ({type(error).__name__})"


async def _read_some(response: httpx.Response) -> None:
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > MAX_ANSWER:
            return
