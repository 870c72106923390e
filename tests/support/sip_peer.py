"""A far end that a test leads step by step: it sees each SIP message that comes, and answers what the test says."""

import asyncio
import contextlib
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_FIRST = re.compile(r"SIP/2\.0 (\d{3})|([A-Z]+) ")
_SO_RCVBUFFORCE = 33


@dataclass(frozen=True)
class Heard:
    """A message that came, and from where."""

    text: str
    source: tuple[str, int]

    @property
    def what(self) -> str:
        """The method of a request, or the status code of a response."""
        match = _FIRST.match(self.text)
        assert match is not None, self.text
        return match[1] or match[2]

    @property
    def body(self) -> str:
        return self.text.partition("\r\n\r\n")[2]

    def all(self, name: str) -> list[str]:
        """The values of each header of that name."""
        return re.findall(rf"^{name}: *(.*?)\r?$", self.text.partition("\r\n\r\n")[0], re.MULTILINE | re.IGNORECASE)

    def header(self, name: str) -> str:
        """The value of its only header of that name; fails otherwise."""
        [value] = self.all(name)
        return value

    @property
    def branch(self) -> str:
        match = re.search(r"branch=([^;\s]+)", self.header("Via"))
        assert match is not None
        return match[1]


def sdp(port: int, *lines: str, host: str = "127.0.0.1", payloads: str = "0 101") -> str:
    """An answer of G.711 and telephone-event."""
    return "\r\n".join(
        [
            "v=0",
            f"o=- 1 1 IN IP4 {host}",
            "s=-",
            f"c=IN IP4 {host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP {payloads}",
            "a=rtpmap:101 telephone-event/8000",
            *lines,
            "",
        ]
    )


@dataclass
class SipPeer:
    """Bound to a port of loopback, over UDP."""

    heard: list[Heard] = field(default_factory=list)
    _unread: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)
    _socket: socket.socket = field(default_factory=lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    deaf: bool = False
    """While set, what comes is lost, as on a network that loses it."""
    answers: Callable[[Heard], None] | None = None
    """Called with each message instead of keeping it for `next`."""

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    def datagram(self) -> None:
        while True:
            try:
                data, source = self._socket.recvfrom(65536)
            except OSError:
                return
            if self.deaf:
                continue
            message = Heard(data.decode("latin-1"), source)
            self.heard.append(message)
            if self.answers is not None:
                self.answers(message)
            else:
                self._unread.put_nowait(message)

    async def next(self, what: str, timeout: float = 10.0) -> Heard:
        """The next message, which has to be `what`."""
        message = await asyncio.wait_for(self._unread.get(), timeout)
        assert message.what == what, f"{what} was to come, and not\n{message.text}"
        return message

    async def silence(self, seconds: float) -> None:
        """Nothing must come for so long."""
        try:
            message = await asyncio.wait_for(self._unread.get(), seconds)
        except TimeoutError:
            return
        raise AssertionError(f"nothing was to come, and not\n{message.text}")

    def count(self, what: str) -> int:
        """How many of these came so far."""
        return sum(message.what == what for message in self.heard)

    def answer(
        self, request: Heard, status: int, *headers: str, tag: str = "far", body: str = "", contact: bool = True
    ) -> None:
        """Send a response to `request`."""
        to = request.header("To")
        lines = [
            f"SIP/2.0 {status} As Said",
            *[f"Via: {via}" for via in request.all("Via")],
            f"From: {request.header('From')}",
            f"To: {to}" if ";tag=" in to or status == 100 or not tag else f"To: {to};tag={tag}",
            f"Call-ID: {request.header('Call-ID')}",
            f"CSeq: {request.header('CSeq')}",
            *(
                [f"Contact: <sip:{tag}@127.0.0.1:{self.port}>"]
                if contact and request.what in ("INVITE", "UPDATE")
                else []
            ),
            *headers,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.send("\r\n".join(lines) + "\r\n\r\n" + body, request.source)

    def ask(
        self, invite: Heard, method: str, cseq: int, *headers: str, tag: str = "far", body: str = "", branch: str = ""
    ) -> None:
        """Send a request in the dialog that our answer to `invite` with `tag` made."""
        ours = re.search(r"<(.*?)>", invite.header("Contact"))
        assert ours is not None
        lines = [
            f"{method} {ours[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch or 'z9hG4bK' + secrets.token_hex(8)}",
            "Max-Forwards: 70",
            f"From: {invite.header('To')};tag={tag}",
            f"To: {invite.header('From')}",
            f"Call-ID: {invite.header('Call-ID')}",
            f"CSeq: {cseq} {method}",
            f"Contact: <sip:{tag}@127.0.0.1:{self.port}>",
            *headers,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.send("\r\n".join(lines) + "\r\n\r\n" + body, invite.source)

    def send(self, text: str, to: tuple[str, int]) -> None:
        """Send anything."""
        self._socket.sendto(text.encode("latin-1"), to)


@asynccontextmanager
async def sip_peer() -> AsyncIterator[SipPeer]:
    """A far end on a free port of 127.0.0.1."""
    peer = SipPeer()
    peer._socket.bind(("127.0.0.1", 0))
    peer._socket.setblocking(False)
    with contextlib.suppress(OSError):
        peer._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 22)
    loop = asyncio.get_running_loop()
    loop.add_reader(peer._socket, peer.datagram)
    try:
        yield peer
    finally:
        loop.remove_reader(peer._socket)
        peer._socket.close()
