"""Sends requests to addresses that somebody else named, within limits that no host can stretch.

Below httpx's client on purpose: its client keeps cookies and connections, and both would go by the address that was
checked, so that hosts that share one (a CDN's) would get each other's.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from calloff.domain.errors import CalloffError
from calloff.outbound.guard import Guard

_CONNECT = 5.0
"""Seconds for one address of several."""


class Unreachable(CalloffError):
    """There was no usable answer; the message is the reason, as a part of a sentence, without the address."""


class NotAnAddress(Unreachable):
    """What was named is no http(s) address: asking again is pointless."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole answer."""

    status: int
    headers: httpx.Headers
    body: bytes


class Client:
    """Connects to hosts that the guard lets through, each time anew; one for a process, `await close()` at the end.

    No redirect is followed, no cookie is kept, and no proxy of the environment is used. `tls` is how certificates are
    verified: by default by the authorities in `SSL_CERT_FILE`, or else those of Mozilla.
    """

    def __init__(self, guard: Guard, tls: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._transport = httpx.AsyncHTTPTransport(
            verify=tls or httpx.create_ssl_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close what is open; a second call does nothing."""
        await self._transport.aclose()
        self._guard.close()

    @asynccontextmanager
    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: str | bytes = b"",
        *,
        seconds: float,
    ) -> AsyncIterator[httpx.Response]:
        """Yields the answer once its head is there. `seconds` bound everything: resolving, and what is done within.

        Raises `Unreachable`, and `AddressRefused` if the guard does not let it through.
        """
        try:
            async with asyncio.timeout(seconds):
                response = await self._connect(method, httpx.URL(url), headers or {}, body)
                try:
                    yield response
                finally:
                    await response.aclose()
        except TimeoutError:
            raise Unreachable(f"no answer within {seconds:.0f} s") from None
        except httpx.InvalidURL:
            raise NotAnAddress("it is no http or https address") from None
        except httpx.HTTPError as error:
            raise Unreachable(_reason(error)) from None

    async def fetch(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        max_bytes: int,
        method: str = "GET",
        body: str | bytes = b"",
        seconds: float,
    ) -> Fetched:
        """The whole answer, whatever its status. Raises as `send` does, and if its body exceeds `max_bytes`."""
        # What is not compressed cannot be a bomb.
        wanted = {"accept-encoding": "identity", **(headers or {})}
        async with self.send(method, url, wanted, body, seconds=seconds) as response:
            read = bytearray()
            async for chunk in response.aiter_raw():
                read += chunk
                if len(read) > max_bytes:
                    raise Unreachable(f"the answer has more than {max_bytes} bytes")
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise Unreachable("the answer is compressed, which was not asked for")
            return Fetched(response.status_code, response.headers, bytes(read))

    async def _connect(
        self, method: str, url: httpx.URL, headers: Mapping[str, str], body: str | bytes
    ) -> httpx.Response:
        if url.scheme not in ("http", "https") or not url.host:
            raise httpx.InvalidURL("")
        failure: httpx.HTTPError | None = None
        for address in await self._guard.addresses(url):
            request = httpx.Request(
                method,
                url.copy_with(host=address),
                content=body,
                headers={"Host": url.netloc.decode("ascii"), "User-Agent": "calloff", **headers},
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
