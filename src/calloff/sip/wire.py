"""The sockets of a process: what all its SIP trunks send by and are heard by.

One UDP port and one TCP port for all, the same ones at every start, so that a firewall can know them. Connections to
trunks over TCP and TLS are made before they are needed, held, and made again when they break. What comes from an
address that no trunk has named is dropped before anything reads it.
"""

import asyncio
import logging
import socket
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

from calloff.domain.errors import CalloffError
from calloff.sip.datagrams import DatagramSocket
from calloff.sip.events import Address, Send, SendResult
from calloff.sip.locate import Target, certificate_context
from calloff.sip.setup import Local
from calloff.sip.streams import Connection, Listener, accepted, connect

_log = logging.getLogger(__name__)
_PORTS_TRIED = 16
_ANY = ("0.0.0.0", "::")  # noqa: S104 - what comes from no trunk is dropped
_FIRST_PAUSE, _LAST_PAUSE = 0.25, 15.0
_MOST_CONNECTIONS = 512
_MOST_NAMED = 4096
"""Hosts besides the trunks' that calls may have named at once (Contact, Record-Route); the oldest is forgotten."""

Network = IPv4Network | IPv6Network
OnMessage = Callable[[bytes, Address], None]


class PortTaken(CalloffError):
    """No port is free for SIP."""


@dataclass(frozen=True, slots=True)
class WireSettings:
    """What all SIP trunks of a process share."""

    address: str | None = None
    """The IP address to send from and to be reached at; None takes, for each trunk, the one that leads to it."""
    port: int = 5060
    """The UDP and TCP port. If it is taken, the next free one of the seven even ones after it; 0 takes any."""
    ca_file: Path | None = None
    """The authorities (PEM) that may sign a trunk's certificate; None takes those of the system."""
    dscp: int = 24
    """How packets are marked for which no trunk says otherwise (RFC 2474; 24 is CS3)."""


class Held:
    """A connection that is made again whenever it breaks."""

    def __init__(self, wire: "Wire", target: Target, dscp: int) -> None:
        self.target = target
        self.users = 0
        self.connection: Connection | None = None
        self.why = "it is being connected"
        """Why there is none, in words."""
        self.ready = asyncio.Event()
        self._wire = wire
        self._dscp = dscp
        self._broken = asyncio.Event()
        self._task = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Close the connection and make no other."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        if self.connection is not None:
            self.connection.close()

    async def _keep(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                self.connection = await self._wire.connect(self.target, self._dscp, self._closed)
            except ssl.SSLCertVerificationError as error:
                self.why = f"its certificate is not accepted: {error.verify_message}"
            except OSError as error:
                self.why = f"no connection: {error.strerror or error}"
            else:
                pause = _FIRST_PAUSE
                self.ready.set()
                await self._broken.wait()
                self.why = "the connection was closed"
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_PAUSE)

    def _closed(self, _connection: Connection) -> None:
        self.connection = None
        self.ready.clear()
        self._broken.set()
        self._broken = asyncio.Event()


class Wire:
    """The sockets. `on_message` gets each message and where it came from; `on_broken` each connection that is gone."""

    def __init__(self, settings: WireSettings, on_message: OnMessage, on_broken: Callable[[Address], None]) -> None:
        self.settings = settings
        self.port = settings.port
        self.strangers = 0
        """Messages and connections that came from nobody we know, and were dropped."""
        self._on_message = on_message
        self._on_broken = on_broken
        self._datagrams: dict[bool, DatagramSocket] = {}
        self._listeners: list[Listener] = []
        self._connections: dict[int, Connection] = {}
        self._held: dict[Target, Held] = {}
        self._allowed: Counter[str] = Counter()
        self._networks: Counter[Network] = Counter()
        self._named: OrderedDict[str, None] = OrderedDict()
        self._marks: dict[str, int] = {}
        self._locals: dict[str, str] = {}
        self._numbers = 0
        self._context: ssl.SSLContext | None = None

    def start(self) -> None:
        """Bind the port. Raises `PortTaken`."""
        first = self.settings.port
        choices = range(first, min(first + _PORTS_TRIED, 65535), 2) if first else (0,) * _PORTS_TRIED
        for port in choices:
            try:
                self._bind(port)
            except OSError as error:
                self.close()
                problem = error.strerror or str(error)
                continue
            if port != first and first:
                _log.warning("SIP port %d is taken; SIP uses %d", first, port)
            return
        raise PortTaken(f"No SIP port is free from {first} on ({problem}). Set another one with --sip-port.")

    def close(self) -> None:
        """Close everything at once; connections that are held have to be let go of before."""
        for datagrams in self._datagrams.values():
            datagrams.close()
        for listener in self._listeners:
            listener.close()
        for connection in list(self._connections.values()):
            connection.close()
        self._datagrams.clear()
        self._listeners.clear()

    def allow(self, hosts: Iterable[str], dscp: int) -> None:
        """Listen to these addresses, and mark what goes there with `dscp`, until they are disallowed as often."""
        for host in hosts:
            self._allowed[host] += 1
            self._marks[host] = dscp

    def disallow(self, hosts: Iterable[str]) -> None:
        """Undo one `allow`."""
        for host in hosts:
            self._allowed[host] -= 1
            if self._allowed[host] <= 0:
                del self._allowed[host]
                self._marks.pop(host, None)

    def allow_networks(self, networks: Iterable[Network]) -> None:
        """Listen to these networks, until they are disallowed as often."""
        self._networks.update(networks)

    def disallow_networks(self, networks: Iterable[Network]) -> None:
        """Undo one `allow_networks`."""
        self._networks.subtract(networks)
        self._networks += Counter()

    def listens_to(self, host: str) -> bool:
        """Whether a trunk has this address, or a call was sent there because its far end said so."""
        if host in self._allowed or host in self._named:
            return True
        return bool(self._networks) and any(ip_address(host) in network for network in self._networks)

    def hold(self, target: Target, dscp: int) -> Held:
        """Keep a connection to a TCP or TLS target, until it is let go of as often."""
        held = self._held.get(target)
        if held is None:
            held = self._held[target] = Held(self, target, dscp)
        held.users += 1
        return held

    async def let_go(self, target: Target) -> None:
        """Undo one `hold`."""
        if held := self._held.get(target):
            held.users -= 1
            if not held.users:
                del self._held[target]
                await held.stop()

    def local(self, target: Target) -> Local:
        """Where the target reaches us, as far as this machine knows. Raises `OSError` where no way leads to it."""
        return Local(target.transport, self.own_host(target.host), self.port)

    def own_host(self, host: str) -> str:
        """The address of this machine that leads to `host`. Raises `OSError` where no way does."""
        if self.settings.address is not None:
            return self.settings.address
        if host not in self._locals:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect((host, 9))
                self._locals[host] = str(ip_address(probe.getsockname()[0].split("%")[0]))
        return self._locals[host]

    def send(self, send: Send, to: Address) -> SendResult:
        """Hand a message to the kernel, or say that not one byte of it left. It goes now or, fenced, never."""
        if to.transport == "udp":
            datagrams = self._datagrams.get(":" in to.host)
            if datagrams is None:
                return SendResult.NOT_SENT
            if to.host not in self._allowed:
                self._name(to.host)
            return datagrams.send(send, to.host, to.port, self._marks.get(to.host))
        connection = self._connection(to)
        return SendResult.NOT_SENT if connection is None else connection.send(send)

    async def connect(self, target: Target, dscp: int, on_closed: Callable[[Connection], None]) -> Connection:
        """A new connection to a TCP or TLS target. Raises `OSError` (`ssl.SSLError` is one)."""

        def closed(connection: Connection) -> None:
            self._forget(connection)
            on_closed(connection)

        address = Address(target.transport, target.host, target.port)
        made = await connect(
            address,
            self._number(),
            self._heard,
            closed,
            tls=(self._certificates(), target.name) if target.transport == "tls" else None,
            local=self.settings.address,
            dscp=dscp,
        )
        assert made.address.connection is not None
        self._connections[made.address.connection] = made
        return made

    def _bind(self, port: int) -> None:
        own = self.settings.address
        for host in (own,) if own else _ANY:
            try:
                bound = DatagramSocket(host, port, self._heard, dscp=self.settings.dscp)
            except OSError:
                if host == "::":  # a machine without IPv6
                    continue
                raise
            self._datagrams[":" in host] = bound
            port = bound.port
            self._listeners.append(Listener(host, port, self.listens_to, self._accepted, dscp=self.settings.dscp))
        self.port = port

    def _heard(self, data: bytes, source: Address) -> None:
        if not self.listens_to(source.host):
            self.strangers += 1
            return
        self._on_message(data, source)

    def _accepted(self, came: socket.socket, host: str, port: int) -> None:
        if len(self._connections) >= _MOST_CONNECTIONS:
            came.close()
            return
        number = self._number()
        self._connections[number] = accepted(came, host, port, number, self._heard, self._forget)

    def _forget(self, connection: Connection) -> None:
        number = connection.address.connection
        if number is not None and self._connections.pop(number, None) is not None:
            self._on_broken(connection.address)

    def _connection(self, to: Address) -> Connection | None:
        if to.connection is not None and (connection := self._connections.get(to.connection)) is not None:
            return connection
        for target, held in self._held.items():
            if (target.transport, target.host, target.port) == (to.transport, to.host, to.port) and held.connection:
                return held.connection
        return next(
            (
                connection
                for connection in self._connections.values()
                if connection.address.transport == to.transport and connection.address.host == to.host
            ),
            None,
        )

    def _name(self, host: str) -> None:
        self._named[host] = None
        self._named.move_to_end(host)
        if len(self._named) > _MOST_NAMED:
            self._named.popitem(last=False)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _certificates(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = certificate_context(None if self.settings.ca_file is None else str(self.settings.ca_file))
        return self._context
