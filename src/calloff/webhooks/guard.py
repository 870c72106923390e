"""Whom a callback may connect to: every address of its host is checked, and the checked one is used.

So neither a name that resolves to a private address, nor one that resolves differently the second time, gets through.
"""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

import httpx

from calloff.domain.addresses import is_public
from calloff.domain.errors import CalloffError

Network = IPv4Network | IPv6Network


class AddressRefused(CalloffError):
    """The callback's host has no address that may be connected to; the message does not repeat the URL."""


class Guard:
    """Resolves hosts and lets public addresses through, and those in the networks that the operator allows."""

    def __init__(self, allowed: Sequence[Network] = ()) -> None:
        self._allowed = allowed

    async def checked(self, url: httpx.URL) -> httpx.URL:
        """`url` with its host replaced by a checked address. Raises `AddressRefused`."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise AddressRefused("The host of the result_url is not known. Correct the address.") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(self._allows(address) for address in addresses):
            raise AddressRefused(
                "The host of the result_url has an address that is not public. Use a public one, or allow its network."
            )
        return url.copy_with(host=addresses[0])

    def _allows(self, address: str) -> bool:
        if is_public(address):
            return True
        parsed = ip_address(address)
        return any(parsed.version == network.version and parsed in network for network in self._allowed)
