"""Where a trunk is: from its name to the addresses to try, in order (RFC 3263).

    sip:carrier.example                NAPTR, then SRV of what it names, then A and AAAA
    sip:carrier.example;transport=tls  SRV of that transport, then A and AAAA
    sip:carrier.example:5080           A and AAAA
    sip:192.0.2.1                      itself

What was found is kept for as long as its records say, and past that for as long as nothing newer can be had: a call
never waits for a name.
"""

import asyncio
import logging
import random
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.rdatatype
import dns.resolver
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV

from calloff.domain.clock import boot_time
from calloff.domain.errors import CalloffError
from calloff.sip.events import Transport

_log = logging.getLogger(__name__)
_LEAST, _MOST = 5.0, 3600.0
"""Bounds on the seconds for which an answer is kept."""
_SYSTEM = 60.0
"""Seconds for which addresses of the system's resolver are kept, which tells no lifetime."""
_MOST_TARGETS = 16
_PATIENCE = 5.0
_SERVICES: dict[str, Transport] = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_SRV = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}

Addresses = Callable[[str], Awaitable[list[str]]]
"""The addresses of a host name, in order. Raises `OSError`."""


class NotFound(CalloffError):
    """The name leads to no address."""


@dataclass(frozen=True, slots=True)
class Target:
    """One address at which a trunk may be reached."""

    transport: Transport
    host: str
    """An IP address, without brackets."""
    port: int
    name: str
    """The name that its certificate has to bear: the one that the operator gave (RFC 5922 section 7.2)."""


@dataclass(slots=True)
class _Known:
    targets: tuple[Target, ...]
    until: float


class Locator:
    """Finds targets, and keeps what it found. `addresses` and `resolver` are the system's unless given."""

    def __init__(self, resolver: dns.asyncresolver.Resolver | None = None, addresses: Addresses | None = None) -> None:
        self._resolver = resolver
        self.addresses: Addresses = addresses or system_addresses
        """Finds the addresses of a host name, without keeping them."""
        self._known: dict[tuple[str, int | None, Transport | None], _Known] = {}
        self._asking: dict[tuple[str, int | None, Transport | None], asyncio.Task[_Known]] = {}

    async def locate(self, host: str, port: int | None, transport: Transport | None) -> tuple[Target, ...]:
        """The targets of a URI's host, port and transport parameter, the best first. Raises `NotFound`.

        Waits only when nothing is known; what is out of date is used once more while it is asked for anew.
        """
        key = (host.strip("[]").lower().rstrip("."), port, transport)
        if literal := _literal(*key):
            return literal
        known = self._known.get(key)
        if known is not None and boot_time() < known.until:
            return known.targets
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(*key))
            asking.add_done_callback(lambda task: self._told(key, task))
        if known is not None:
            return known.targets
        return (await asyncio.shield(asking)).targets

    def _told(self, key: tuple[str, int | None, Transport | None], task: asyncio.Task[_Known]) -> None:
        del self._asking[key]
        if task.cancelled():
            return
        if error := task.exception():
            _log.warning("the name of a trunk does not resolve: %s", error)
            if known := self._known.get(key):
                known.until = boot_time() + _LEAST
        else:
            self._known[key] = task.result()

    async def _ask(self, host: str, port: int | None, transport: Transport | None) -> _Known:
        found: list[Target] = []
        lifetimes: list[float] = []
        for service, way in await self._services(host, port, transport, lifetimes):
            for record in await self._servers(service, lifetimes):
                target = str(record.target).rstrip(".")
                found += [Target(way, each, record.port, host) for each in await self._hosts(target, lifetimes)]
            if len(found) >= _MOST_TARGETS:
                break
        if not found:
            way = transport or "udp"
            found = [Target(way, each, port or default_port(way), host) for each in await self._hosts(host, lifetimes)]
        if not found:
            raise NotFound("The host name of the trunk leads to no address. Mend its uri, or the DNS of this machine.")
        lifetime = min(max(min(lifetimes, default=_SYSTEM), _LEAST), _MOST)
        return _Known(tuple(dict.fromkeys(found))[:_MOST_TARGETS], boot_time() + lifetime)

    async def _services(
        self, host: str, port: int | None, transport: Transport | None, lifetimes: list[float]
    ) -> list[tuple[str, Transport]]:
        """The SRV names to ask for (RFC 3263 section 4.1)."""
        if port is not None:
            return []
        if transport is not None:
            return [(f"{_SRV[transport]}.{host}", transport)]
        answer = await self._query(host, "NAPTR", lifetimes)
        records = sorted(
            (each for each in answer if isinstance(each, NAPTR) and each.flags.lower() == b"s"),
            key=lambda each: (each.order, each.preference),
        )
        named = [
            (str(each.replacement).rstrip("."), _SERVICES[service])
            for each in records
            if (service := each.service.decode("ascii", "replace").upper()) in _SERVICES
        ]
        return named or [(f"{_SRV[way]}.{host}", way) for way in ("udp", "tcp", "tls")]

    async def _servers(self, service: str, lifetimes: list[float]) -> list[SRV]:
        """The servers of an SRV name, by priority, and by chance and weight within one (RFC 2782)."""
        records = [each for each in await self._query(service, "SRV", lifetimes) if isinstance(each, SRV)]
        records = [each for each in records if str(each.target) != "."]
        return sorted(records, key=lambda each: (each.priority, -(random.random() ** (1 / max(each.weight, 0.01)))))  # noqa: S311

    async def _query(self, name: str, kind: str, lifetimes: list[float]) -> list[object]:
        try:
            if self._resolver is None:
                self._resolver = dns.asyncresolver.Resolver()
            answer = await self._resolver.resolve(name, kind, lifetime=_PATIENCE, search=False)
        except (dns.exception.DNSException, OSError, ValueError):
            return []
        lifetimes.append(float(answer.rrset.ttl if answer.rrset is not None else _LEAST))
        return list(answer)

    async def _hosts(self, name: str, lifetimes: list[float]) -> list[str]:
        if _is_address(name):
            return [name]
        try:
            async with asyncio.timeout(_PATIENCE):
                addresses = await self.addresses(name)
        except (OSError, TimeoutError):
            return []
        lifetimes.append(_SYSTEM)
        return addresses


async def system_addresses(name: str) -> list[str]:
    """As every program of this machine finds them: `/etc/hosts` first, then DNS. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def default_port(transport: Transport) -> int:
    """5060, or 5061 for TLS (RFC 3261 section 19.1.2)."""
    return 5061 if transport == "tls" else 5060


def certificate_context(ca_file: str | None) -> ssl.SSLContext:
    """What checks a carrier's certificate: signed by an authority of the file (else of the system), of the right name.

    Raises `OSError` (`ssl.SSLError` is one) for a file that holds no certificate.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _literal(host: str, port: int | None, transport: Transport | None) -> tuple[Target, ...]:
    if not _is_address(host):
        return ()
    way = transport or "udp"
    return (Target(way, host, port or default_port(way), host),)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
