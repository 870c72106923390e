"""SIP over TCP and TLS at the edge: connections that are held, and say whether the kernel took the bytes.

What has a deadline is written only when nothing waits in front of it, so that it never leaves later than the look at
the clock; everything else waits in a short buffer. TLS runs over memory, so that what the kernel did not take is known.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from calloff.domain.clock import boot_time
from calloff.sip.datagrams import mark
from calloff.sip.errors import Malformed
from calloff.sip.events import Address, Send, SendResult
from calloff.sip.framing import StreamReader

_CHUNK = 65_536
_WAITING = 1_048_576
"""Bytes that wait for a far end that does not read; then the connection is given up."""
_CONNECT_SECONDS = 8.0
_SILENT_SECONDS = 30
"""A far end that acknowledges nothing for so long is gone (TCP_USER_TIMEOUT)."""

OnMessage = Callable[[bytes, Address], None]
OnClosed = Callable[["Connection"], None]


class Connection:
    """One TCP or TLS connection, made by us or by the far end."""

    def __init__(
        self, connected: socket.socket, address: Address, on_message: OnMessage, on_closed: OnClosed, tls: "_Tls | None"
    ) -> None:
        self.address = address
        """The far end; its `connection` is the number of this one."""
        self.local: tuple[str, int] = connected.getsockname()[:2]
        self._socket = connected
        self._on_message = on_message
        self._on_closed = on_closed
        self._tls = tls
        self._reader = StreamReader()
        self._waiting = bytearray()
        self.open = True
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connected, self._read)

    def send(self, send: Send) -> SendResult:
        """Write the message; one with a deadline only if it can leave at once, and else it is not sent."""
        if not self.open or (send.fenced and self._waiting):
            return SendResult.NOT_SENT
        if not send.allowed(boot_time()):
            return SendResult.NOT_SENT
        return self._write(send.data, now_or_never=send.fenced)

    def close(self) -> None:
        """End the connection; a second call does nothing."""
        if not self.open:
            return
        self.open = False
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if self._tls is not None and not self._waiting:
            with suppress(ssl.SSLError, OSError):
                self._tls.end()
                self._socket.send(self._tls.take())
        self._socket.close()
        self._on_closed(self)

    def _write(self, data: bytes, *, now_or_never: bool) -> SendResult:
        try:
            wire = data if self._tls is None else self._tls.protect(data)
        except ssl.SSLError:
            self.close()
            return SendResult.NOT_SENT
        taken = 0
        if not self._waiting:
            try:
                taken = self._socket.send(wire)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError:
                self.close()
                return SendResult.NOT_SENT
        if now_or_never and taken == 0:
            if self._tls is not None:
                self.close()  # a record that was made has its place in the stream: it leaves, or nothing after it
            return SendResult.NOT_SENT
        if taken < len(wire):
            self._keep(wire[taken:])
        return SendResult.SENT if self.open else SendResult.UNKNOWN

    def _keep(self, rest: bytes) -> None:
        self._waiting += rest
        if len(self._waiting) > _WAITING:
            self.close()
        else:
            self._loop.add_writer(self._socket, self._write_on)

    def _write_on(self) -> None:
        try:
            del self._waiting[: self._socket.send(self._waiting)]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        if not self._waiting:
            self._loop.remove_writer(self._socket)

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
            plain = data if self._tls is None else self._tls.open(data)
            answer = b"" if self._tls is None else self._tls.take()
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, ssl.SSLError):
            self.close()
            return
        if answer:
            self._keep(answer)
        try:
            messages, pong = self._reader.feed(plain)
        except Malformed:
            self.close()
            return
        for message in messages:
            self._on_message(message, self.address)
            if not self.open:
                return
        if pong:
            self._write(pong, now_or_never=False)
        if not data or (self._tls is not None and self._tls.over):
            self.close()


class _Tls:
    """A TLS session over memory."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._session = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self.over = False
        """Whether the far end has said that nothing follows."""

    async def shake_hands(self, over: socket.socket) -> None:
        """Raises `ssl.SSLError` (a certificate that does not verify, too) or `OSError`."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                self._session.do_handshake()
            except ssl.SSLWantReadError:
                if out := self._outgoing.read():
                    await loop.sock_sendall(over, out)
                data = await loop.sock_recv(over, _CHUNK)
                if not data:
                    raise ConnectionResetError("closed within the handshake") from None
                self._incoming.write(data)
                continue
            if out := self._outgoing.read():
                await loop.sock_sendall(over, out)
            return

    def protect(self, data: bytes) -> bytes:
        """The records that carry `data`."""
        self._session.write(data)
        return self._outgoing.read()

    def open(self, data: bytes) -> bytes:
        """What the records in `data` carry, as far as they are complete."""
        self._incoming.write(data)
        plain = bytearray()
        try:
            while part := self._session.read(_CHUNK):
                plain += part
            self.over = True
        except ssl.SSLWantReadError:
            pass
        return bytes(plain)

    def take(self) -> bytes:
        """What the protocol itself has to send."""
        return self._outgoing.read()

    def end(self) -> None:
        """Say that nothing follows."""
        with suppress(ssl.SSLWantReadError):
            self._session.unwrap()


async def connect(
    to: Address,
    number: int,
    on_message: OnMessage,
    on_closed: OnClosed,
    *,
    tls: tuple[ssl.SSLContext, str] | None,
    local: str | None,
    dscp: int,
) -> Connection:
    """A connection to `to`, whose certificate bears the name in `tls`. Raises `OSError` (`ssl.SSLError` is one)."""
    family = socket.AF_INET6 if ":" in to.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        mark(made, dscp)
        if local is not None:
            made.bind((local, 0))
        async with asyncio.timeout(_CONNECT_SECONDS):
            await asyncio.get_running_loop().sock_connect(made, (to.host, to.port))
            _keep_alive(made)
            session = None if tls is None else _Tls(*tls)
            if session is not None:
                await session.shake_hands(made)
    except TimeoutError:
        made.close()
        raise OSError("it does not answer in time") from None
    except BaseException:
        made.close()
        raise
    return Connection(made, Address(to.transport, to.host, to.port, number), on_message, on_closed, session)


class Listener:
    """Takes TCP connections at one address, and gives those from a host that `allowed` knows to `on_connection`.

    Raises `OSError` if the address cannot be bound.
    """

    def __init__(
        self,
        host: str,
        port: int,
        allowed: Callable[[str], bool],
        on_connection: Callable[[socket.socket, str, int], None],
        *,
        dscp: int,
    ) -> None:
        self._allowed = allowed
        self._on_connection = on_connection
        self._dscp = dscp
        v6 = ":" in host
        self._socket = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if v6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.bind((host, port))
            self._socket.listen(64)
        except BaseException:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Take no more connections; a second call does nothing."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def _accept(self) -> None:
        for _ in range(64):
            try:
                came, source = self._socket.accept()
            except OSError:
                return
            if not self._allowed(source[0]):
                came.close()
                continue
            came.setblocking(False)
            mark(came, self._dscp)
            _keep_alive(came)
            self._on_connection(came, source[0], source[1])


def accepted(
    came: socket.socket, host: str, port: int, number: int, on_message: OnMessage, on_closed: OnClosed
) -> Connection:
    """The connection that a far end made over TCP."""
    return Connection(came, Address("tcp", host, port, number), on_message, on_closed, None)


def _keep_alive(of: socket.socket) -> None:
    of.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    of.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    of.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_SECONDS * 1000)
