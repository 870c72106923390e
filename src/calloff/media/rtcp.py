"""Reports of RTCP (RFC 3550 section 6), read and built. Whatever comes is read without raising."""

import struct
from dataclasses import dataclass

from calloff.media.reception import Reception

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, GOODBYE = 200, 201, 202, 203
INTERVAL = 5.0
"""Seconds between two reports of ours (section 6.2)."""
_SECONDS_BEFORE_1970 = 2208988800
_HEAD = struct.Struct("!BBH")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")
_CNAME = 1


@dataclass(frozen=True, slots=True)
class Report:
    """What the far end says of the stream that we send, and what it takes to tell how far away it is."""

    lost: int
    """Of our packets, those that it misses."""
    jitter: int
    """In samples."""
    last_report: int
    """The middle of the time in our last report; 0 if it has none."""
    delay: float
    """Seconds that it had that report."""


def middle(unix_time: float) -> int:
    """The middle 32 bits of the time in a report of that moment (RFC 3550 section 4)."""
    return _ntp(unix_time) >> 16 & 0xFFFFFFFF


def build(
    *,
    ssrc: int,
    name: str,
    now: float,
    timestamp: int,
    packets: int,
    size: int,
    heard: Reception | None,
    their_last: tuple[int, float] | None,
    goodbye: bool = False,
) -> bytes:
    """A sender report with a description, and a goodbye if it is the last one.

    `now` is Unix time, `timestamp` the stream's at that moment, `packets` and `size` (bytes of payload) what was sent;
    `their_last` the middle of the time of the far end's last report, and how many seconds ago that came.
    """
    last, ago = their_last or (0, 0.0)
    block = b""
    if heard is not None:
        block = _BLOCK.pack(
            heard.ssrc,
            heard.fraction_lost << 24 | heard.lost,
            heard.highest,
            heard.jitter,
            last,
            min(0xFFFFFFFF, int(ago * 65536)) if last else 0,
        )
    body = _SENDER.pack(ssrc, _ntp(now), timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, size & 0xFFFFFFFF) + block
    chunk = struct.pack("!IBB", ssrc, _CNAME, len(name)) + name.encode() + b"\0"
    parts = [
        _part(SENDER_REPORT, len(block) // _BLOCK.size, body),
        _part(DESCRIPTION, 1, chunk.ljust(-(-len(chunk) // 4) * 4, b"\0")),
    ]
    if goodbye:
        parts.append(_part(GOODBYE, 1, struct.pack("!I", ssrc)))
    return b"".join(parts)


def read(data: bytes, ssrc: int) -> tuple[Report | None, int | None]:
    """What a compound packet says of our stream `ssrc`, and the middle of the time in the far end's own report."""
    report: Report | None = None
    sent_at: int | None = None
    position = 0
    while position + _HEAD.size <= len(data):
        flags, kind, words = _HEAD.unpack_from(data, position)
        end = position + 4 * (words + 1)
        if flags >> 6 != 2 or end > len(data):
            break
        blocks = position + 8
        if kind == SENDER_REPORT and end >= position + 28:
            sent_at = struct.unpack_from("!Q", data, position + 8)[0] >> 16 & 0xFFFFFFFF
            blocks = position + 28
        if kind in (SENDER_REPORT, RECEIVER_REPORT):
            for number in range(flags & 0x1F):
                start = blocks + number * _BLOCK.size
                if start + _BLOCK.size > end:
                    break
                source, losses, _, jitter, last, delay = _BLOCK.unpack_from(data, start)
                if source == ssrc:
                    lost = losses & 0xFFFFFF
                    report = Report(lost - (lost >> 23 << 24), jitter, last, delay / 65536)
        position = end
    return report, sent_at


def _ntp(unix_time: float) -> int:
    return int((unix_time + _SECONDS_BEFORE_1970) * 4294967296) & 0xFFFFFFFFFFFFFFFF


def _part(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body
