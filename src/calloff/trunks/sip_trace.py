"""What only the stack's trace of SIP messages tells: when an INVITE left, when it was heard, when an ACK was lost."""

import asyncio
import logging
import os
import re
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_log = logging.getLogger(__name__)

_MAX_UNKNOWN = 512
_MESSAGE = re.compile(r"(?P<way>[TR]X) (?P<transport>\w+) (?P<source>\S+) -> (?P<target>\S+)\n(?P<text>.*)", re.DOTALL)
_CALL_ID = re.compile(r"^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)
_CSEQ = re.compile(r"^CSeq[ \t]*:[ \t]*(\d+)[ \t]+(\w+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Ack:
    cseq: str
    text: str
    source: str
    target: str


@dataclass(slots=True, eq=False)
class Invite:
    """How far the INVITE of a call has come."""

    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has gone to the network, which may be long after the stack was asked for it: a name has to be
    resolved first, or a TCP or TLS connection made."""
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the newest one, after authentication perhaps, has had a response of any kind."""
    awaited: bool = False


class SipTrace(logging.Handler):
    """Reads each SIP message of the stack as a log record.

    The ACK of a 2xx has to be sent again for each 2xx that comes (RFC 3261 section 13.2.2.4). The stack at the pinned
    version then sends an empty datagram instead, and a call whose ACK was lost would be ended by its far end after 32
    seconds. So the ACK is sent again from here, through the stack's own socket; over UDP, where packets get lost.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.DEBUG)
        self._loop = loop
        self._invites: dict[str, Invite] = {}
        self._unknown: deque[str] = deque()
        self._acks: dict[str, _Ack] = {}
        self._sockets: dict[str, socket.socket] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take one message; called on the stack's log thread."""
        message = _MESSAGE.match(record.getMessage())
        if message is None or self._loop.is_closed():
            return
        sent, text = message["way"] == "TX", message["text"]
        call_id, cseq = _CALL_ID.search(text), _CSEQ.search(text)
        if call_id is None or cseq is None:
            return
        if sent and text.startswith("INVITE "):
            self._loop.call_soon_threadsafe(self._invite_sent, call_id[1])
        elif sent and text.startswith("ACK ") and message["transport"] == "UDP":
            ack = _Ack(cseq[1], text, message["source"], message["target"])
            self._loop.call_soon_threadsafe(self._ack_sent, call_id[1], ack)
        elif not sent and text.startswith("SIP/2.0 ") and cseq[2] == "INVITE":
            self._loop.call_soon_threadsafe(self._response_came, call_id[1], cseq[1], text[8:9] == "2")

    def follow(self, call_id: str) -> Invite:
        """The progress of the INVITE with this Call-ID; `forget` it when the call is over."""
        invite = self._invites.setdefault(call_id, Invite())
        invite.awaited = True
        return invite

    def forget(self, call_id: str) -> None:
        """Free what is kept for a call that is over."""
        self._invites.pop(call_id, None)
        self._acks.pop(call_id, None)

    def stop(self) -> None:
        """Let go of the stack's sockets."""
        while self._sockets:
            self._sockets.popitem()[1].close()

    def _invite_sent(self, call_id: str) -> None:
        if call_id not in self._invites:
            self._invites[call_id] = Invite()
            self._unknown.append(call_id)
            if len(self._unknown) > _MAX_UNKNOWN and not self._is_awaited(oldest := self._unknown.popleft()):
                self.forget(oldest)
        invite = self._invites[call_id]
        invite.left.set()
        invite.heard.clear()

    def _is_awaited(self, call_id: str) -> bool:
        invite = self._invites.get(call_id)
        return invite is not None and invite.awaited

    def _ack_sent(self, call_id: str, ack: _Ack) -> None:
        if call_id in self._invites:
            self._acks[call_id] = ack

    def _response_came(self, call_id: str, cseq: str, success: bool) -> None:
        if invite := self._invites.get(call_id):
            invite.heard.set()
        ack = self._acks.get(call_id)
        if not success or ack is None or ack.cseq != cseq:
            return
        _log.info("the answer to %s came again; sending its ACK again", call_id)
        with suppress(OSError):
            if stack_socket := self._sockets.get(ack.source) or _own_udp_socket(ack.source):
                self._sockets[ack.source] = stack_socket
                stack_socket.sendto(ack.text.encode(), _address(ack.target))


def _own_udp_socket(address: str) -> socket.socket | None:
    """A second handle of this process's UDP socket that is bound to `address`."""
    for entry in Path("/dev/fd").iterdir():
        try:
            descriptor = os.dup(int(entry.name))
        except OSError:
            continue
        try:
            candidate = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            continue
        with suppress(OSError):
            if candidate.type == socket.SOCK_DGRAM and candidate.getsockname()[:2] == _address(address):
                return candidate
        candidate.close()
    return None


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)
