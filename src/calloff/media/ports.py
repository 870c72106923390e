"""UDP ports for calls: an even one for the media and the next for the reports (RFC 3550 section 11)."""

import contextlib
import ipaddress
import socket

from calloff.media.agreement import MediaUnavailable

_RECEIVE_BUFFER = 1 << 18


class PortRange:
    """Takes pairs out of a range, in turn, so that a port rests before its next call gets it."""

    def __init__(self, host: str, ports: tuple[int, int], dscp: int) -> None:
        """`host` is the address to bind; `ports` the first and the last; raises `ValueError` for what is none."""
        first = ports[0] + ports[0] % 2
        self._pairs = (ports[1] - first + 1) // 2
        if not 0 < ports[0] <= ports[1] <= 65535 or self._pairs < 1:
            raise ValueError("the range of RTP ports has no pair of an even port and the next one")
        self._first = first
        self._host = host
        self._dscp = dscp
        self._family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
        self._turn = 0

    def take(self) -> tuple[socket.socket, socket.socket]:
        """The next pair that is free, bound and non-blocking. Raises `MediaUnavailable` if there is none."""
        for _ in range(self._pairs):
            port = self._first + 2 * self._turn
            self._turn = (self._turn + 1) % self._pairs
            with contextlib.suppress(OSError), contextlib.ExitStack() as undo:
                rtp = undo.enter_context(self._bind(port))
                rtcp = undo.enter_context(self._bind(port + 1))
                undo.pop_all()
                return rtp, rtcp
        raise MediaUnavailable("No RTP port is free; give the dialer a wider range of ports.")

    def _bind(self, port: int) -> socket.socket:
        sock = socket.socket(self._family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            if self._dscp:
                level, option = (
                    (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
                    if self._family == socket.AF_INET6
                    else (socket.IPPROTO_IP, socket.IP_TOS)
                )
                sock.setsockopt(level, option, self._dscp << 2)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            sock.bind((self._host, port))
        except OSError:
            sock.close()
            raise
        return sock
