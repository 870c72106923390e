"""What went over the wire for one call: kept in memory while it lasts, and packed small when it is over."""

import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calloff.sip.events import Address

MOST_MESSAGES = 80
"""Messages that are kept of a call: the first ones, and then only how many more there were."""
MOST_BYTES = 65_536
_LONGEST = 8_192
_SECRET_HEADERS = (b"authorization:", b"proxy-authorization:")


@dataclass(frozen=True, slots=True)
class TracedMessage:
    """One message as it left or came."""

    at: float
    """Unix seconds."""
    inward: bool
    ours: Address
    theirs: Address
    data: bytes
    """The message; of an answer to a challenge, only that there was one."""

    @property
    def first_word(self) -> str:
        """The method or status code."""
        words = self.data.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        return words[1] if words[0].startswith("SIP/") and len(words) > 1 else words[0]


@dataclass(slots=True)
class Trace:
    """The messages of one call, in order."""

    messages: list[TracedMessage] = field(default_factory=list)
    more: int = 0
    """Messages that came after there was no room any more."""
    _bytes: int = 0

    def note(self, data: bytes, theirs: Address, ours: Address, *, inward: bool) -> None:
        """Keep one message, if there is room."""
        if len(self.messages) >= MOST_MESSAGES or self._bytes + len(data) > MOST_BYTES:
            self.more += 1
            return
        self._bytes += len(data)
        self.messages.append(TracedMessage(time.time(), inward, ours, theirs, data[:_LONGEST]))

    def pack(self) -> bytes:
        """The trace as bytes of a fifth of the size; secrets are left out."""
        rows = [
            [round(m.at, 6), m.inward, _place(m.ours), _place(m.theirs), _shown(m.data).decode("latin-1")]
            for m in self.messages
        ]
        return zlib.compress(json.dumps({"more": self.more, "messages": rows}).encode(), 6)

    @classmethod
    def unpack(cls, packed: bytes) -> "Trace":
        """What `pack` made. Raises `ValueError` or `zlib.error` for anything else."""
        read: Mapping[str, Any] = json.loads(zlib.decompress(packed))
        messages = [
            TracedMessage(at, inward, Address(*ours), Address(*theirs), data.encode("latin-1"))
            for at, inward, ours, theirs, data in read["messages"]
        ]
        return cls(messages, read["more"])


def _place(address: Address) -> list[object]:
    return [address.transport, address.host, address.port]


def _shown(data: bytes) -> bytes:
    """Without what would let a reader try passwords, without keys of SRTP, and without those that people press."""
    if data.startswith(b"INFO ") or b" INFO\r\n" in data:
        head, gap, body = data.partition(b"\r\n\r\n")
        data = head + gap + (b"***" if body else b"")
    if b"uthorization:" not in data and b"a=crypto:" not in data:
        return data
    lines = data.split(b"\r\n")
    return b"\r\n".join(_shown_line(line) for line in lines)


def _shown_line(line: bytes) -> bytes:
    if line.lower().startswith(_SECRET_HEADERS):
        return line.split(b":", 1)[0] + b": ***"
    return line.split(b"inline:", 1)[0] + b"inline:***" if line.startswith(b"a=crypto:") else line
