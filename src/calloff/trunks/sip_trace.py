"""What only the stack's trace of SIP messages tells: when an INVITE has left, and when an ACK was lost."""

import asyncio
import logging
import os
import re
import socket
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

_MESSAGE = re.compile(r"(?P<way>[TR]X) (?P<transport>\w+) (?P<source>\S+) -> (?P<target>\S+)\n(?P<text>.*)", re.DOTALL)
_CALL_ID = re.compile(r"^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)
_CSEQ = re.compile(r"^CSeq[ \t]*:[ \t]*(\d+)[ \t]+(\w+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Ack:
    cseq: str
    text: str
    source: str
    target: str


class SipTrace(logging.Handler):
    """Reads each SIP message of the stack as a log record.

    An INVITE may leave long after the stack was asked for it: a name has to be resolved first, or a TCP or TLS
    connection made; `invite_left` tells.

    The ACK of a 2xx has to be sent again for each 2xx that comes (RFC 3261 section 13.2.2.4). The stack at the pinned
    version then sends an empty datagram instead, and a call whose ACK was lost would be ended by its far end after 32
    seconds. So the ACK is sent again from here, through the stack's own socket; over UDP, where packets get lost.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(logging.DEBUG)
        self._loop = loop
        self._invites: dict[str, asyncio.Event] = {}
        self._early: deque[str] = deque(maxlen=512)
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
        elif not sent and text.startswith("SIP/2.0 2") and cseq[2] == "INVITE":
            self._loop.call_soon_threadsafe(self._answered, call_id[1], cseq[1])

    def invite_left(self, call_id: str) -> asyncio.Event:
        """Set once an INVITE with this Call-ID has left; `forget` it when the call is over."""
        event = self._invites.setdefault(call_id, asyncio.Event())
        if call_id in self._early:
            event.set()
        return event

    def forget(self, call_id: str) -> None:
        """Free what is kept for a call that is over."""
        self._invites.pop(call_id, None)
        self._acks.pop(call_id, None)

    def stop(self) -> None:
        """Let go of the stack's sockets."""
        while self._sockets:
            self._sockets.popitem()[1].close()

    def _invite_sent(self, call_id: str) -> None:
        if event := self._invites.get(call_id):
            event.set()
        else:
            self._early.append(call_id)

    def _ack_sent(self, call_id: str, ack: _Ack) -> None:
        if call_id in self._invites:
            self._acks[call_id] = ack

    def _answered(self, call_id: str, cseq: str) -> None:
        ack = self._acks.get(call_id)
        if ack is None or ack.cseq != cseq:
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
