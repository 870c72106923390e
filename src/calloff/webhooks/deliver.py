"""Sends one callback and reads the answer, within limits that no host can stretch."""

import asyncio
import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from calloff.accounts.secrets import SecretBox
from calloff.db.pool import Pool
from calloff.queue.details import call_details
from calloff.queue.read import find_call
from calloff.webhooks.body import encode_body
from calloff.webhooks.guard import AddressRefused, Guard
from calloff.webhooks.keys import sign
from calloff.webhooks.outbox import DueCallback

DEADLINE = 15.0
"""Seconds for a whole delivery, resolving and the answer included."""
_REST_OF_ANSWER = 1.0
"""Seconds for what follows the status."""
MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read; nobody looks at them, but the connection can be used again."""


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


class Sender:
    """Delivers callbacks over shared connections; `await close()` in the end."""

    def __init__(self, pool: Pool, box: SecretBox, guard: Guard) -> None:
        self._pool = pool
        self._box = box
        self._guard = guard
        # Proxies of the environment would connect elsewhere than to the checked address.
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            timeout=DEADLINE,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def deliver(self, callback: DueCallback) -> Answer:
        """Send the callback of a call; never raises for what the host does."""
        call = await find_call(self._pool, callback.call_id)
        if call is None or call.result_url is None:
            return Answer(None, "the call was removed", is_final=True)
        content_type, body = encode_body(call_details(call), callback.callback_format)
        now = datetime.now(UTC)
        signature = await sign(self._pool, self._box, callback.deployment_id, f"msg_{call.call_id}", now, body)
        try:
            async with asyncio.timeout(DEADLINE):
                return await self._post(httpx.URL(call.result_url), {"content-type": content_type, **signature}, body)
        except TimeoutError:
            return Answer(None, f"no answer within {DEADLINE:.0f} s")
        except AddressRefused as error:
            return Answer(None, error.message)
        except httpx.InvalidURL:
            return Answer(None, "the result_url is no address", is_final=True)
        except httpx.HTTPError as error:
            return Answer(None, f"connection failed ({type(error).__name__})")

    async def _post(self, url: httpx.URL, headers: dict[str, str], body: str) -> Answer:
        checked = await self._guard.checked(url)
        request = self._client.build_request(
            "POST",
            checked,
            content=body,
            headers={"host": url.netloc.decode().rpartition("@")[2], "user-agent": "calloff", **headers},
            # TLS still verifies the name of the host.
            extensions={"sni_hostname": url.host},
        )
        response = await self._client.send(request, stream=True)
        try:
            # The status is the answer; what comes after it only decides whether the connection can be used again.
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


async def _read_some(response: httpx.Response) -> None:
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > MAX_ANSWER:
            return
