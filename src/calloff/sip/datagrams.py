"""SIP over UDP at the edge: a socket that says whether the kernel took the bytes, and is read until it is empty.

asyncio's own datagram transport keeps what the kernel does not take and sends it later, past the deadline; so nothing
here is ever kept.
"""

import asyncio
import errno
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from calloff.domain.clock import boot_time
from calloff.sip.events import Address, Send, SendResult

_LONGEST = 65_536
_AT_ONCE = 256
"""Datagrams read before timers and other sockets get their turn; the rest is read in the next round of the loop."""
_BUFFER = 4 * 1024 * 1024
_SO_RCVBUFFORCE = 33
"""Linux: a receive buffer beyond `net.core.rmem_max`, for those who may (CAP_NET_ADMIN)."""

OnDatagram = Callable[[bytes, Address], None]


class DatagramSocket:
    """A bound UDP socket. `on_datagram` gets each datagram and where it came from; it must not raise.

    Raises `OSError` if the address cannot be bound.
    """

    def __init__(self, host: str, port: int, on_datagram: OnDatagram, *, dscp: int) -> None:
        self._on_datagram = on_datagram
        self._dscp = dscp
        self._v6 = ":" in host
        self._buffer = memoryview(bytearray(_LONGEST))
        self._socket = socket.socket(socket.AF_INET6 if self._v6 else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._enlarge()
            mark(self._socket, dscp)
            if self._v6:
                self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self._socket.bind((host, port))
        except BaseException:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def send(self, send: Send, host: str, port: int, dscp: int | None = None) -> SendResult:
        """Hand the bytes to the kernel, or say that not one of them left. Never `UNKNOWN`: a datagram leaves whole."""
        marking = [] if dscp is None or dscp == self._dscp else [_marking(self._v6, dscp)]
        address = (host, port)
        for _ in range(2):
            try:
                if not send.allowed(boot_time()):
                    return SendResult.NOT_SENT
                self._socket.sendmsg((send.data,), marking, 0, address)
            except ConnectionRefusedError:
                continue  # an earlier datagram's: the kernel reports it once, and has sent nothing
            except OSError:
                return SendResult.NOT_SENT  # full (EAGAIN, ENOBUFS), forbidden (EPERM), no route, too long
            return SendResult.SENT
        return SendResult.NOT_SENT

    def close(self) -> None:
        """Let go of the socket; a second call does nothing."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                length, source = self._socket.recvfrom_into(self._buffer)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                    return
                continue  # an error of an earlier datagram (ICMP): read on
            self._on_datagram(bytes(self._buffer[:length]), Address("udp", source[0], source[1]))
            if self._socket.fileno() < 0:
                return

    def _enlarge(self) -> None:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except OSError:
            with suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)


def mark(of: socket.socket, dscp: int) -> None:
    """Mark what leaves `of` with a differentiated services code point (RFC 2474), 0 to 63."""
    with suppress(OSError):  # where the system forbids it, calls go out unmarked
        if of.family == socket.AF_INET6:
            of.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
        else:
            of.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)


def _marking(v6: bool, dscp: int) -> tuple[int, int, bytes]:
    level, kind = (socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if v6 else (socket.IPPROTO_IP, socket.IP_TOS)
    return level, kind, struct.pack("i", dscp << 2)
