"""Whom we connect to for a user: every address of its host is checked, and the checked ones are used.

So neither a name that resolves to a private address, nor one that resolves differently the second time, gets through.
"""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

import httpx

from calloff.domain.addresses import is_public
from calloff.domain.errors import CalloffError

Network = IPv4Network | IPv6Network
_THREADS = 300
"""Of the guard alone, and enough for twice what a worker sends at once: a look-up goes on when nobody waits for it
any more, and name servers that never answer must not keep others from being asked."""


class AddressRefused(CalloffError):
    """The host has no address, or one that may not be connected to; the message does not repeat the URL."""


class Guard:
    """Resolves hosts and lets public addresses through, and those in the networks that the operator allows."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")
        self._lookups: dict[tuple[str, int], asyncio.Future[list[Any]]] = {}

    def close(self) -> None:
        """Let go of the threads; look-ups on their way end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def addresses(self, url: httpx.URL) -> list[str]:
        """The addresses of the host of `url`, in the order to try them. Raises `AddressRefused` if one is refused."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await self._look_up(url.raw_host.decode("ascii"), port)
        except (OSError, UnicodeError):
            raise AddressRefused("The host is not known. Correct the address.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses or not all(self._allows(address) for address in addresses):
            raise AddressRefused(
                "The host has an address that is not public. Use a public one, or let the operator allow its network."
            )
        return addresses

    async def _look_up(self, host: str, port: int) -> list[Any]:
        """One look-up at a time for each host, whoever waits for it."""
        lookup = self._lookups.get((host, port))
        if lookup is None:
            loop = asyncio.get_running_loop()
            lookup = loop.run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
            self._lookups[host, port] = lookup
            lookup.add_done_callback(lambda done: self._looked_up(host, port, done))
        return await asyncio.shield(lookup)

    def _looked_up(self, host: str, port: int, lookup: asyncio.Future[list[Any]]) -> None:
        del self._lookups[host, port]
        if not lookup.cancelled():
            lookup.exception()

    def _allows(self, address: str) -> bool:
        if is_public(address):
            return True
        parsed = ip_address(address)
        return any(parsed.version == network.version and parsed in network for network in self._allowed)
