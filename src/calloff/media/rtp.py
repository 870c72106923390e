"""Packets of RTP (RFC 3550 section 5.1), read and built."""

import struct
from typing import NamedTuple, TypeAlias

import numpy
import numpy.typing

Counts: TypeAlias = numpy.typing.NDArray[numpy.int64]
"""A number for each of several calls."""
Bits: TypeAlias = numpy.typing.NDArray[numpy.bool_]
"""A yes or no for each of several calls."""

LONGEST_DATAGRAM = 2048
"""Bytes that are read of a datagram; a longer one is none that was agreed on."""
HEADER = struct.Struct("!BBHII")
"""The fixed header: version and flags, marker and payload number, sequence, timestamp, source."""
_HEADER_BYTES = HEADER.size


class Packet(NamedTuple):
    """What a datagram held."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parse(data: bytes) -> Packet | None:
    """The packet in a datagram; None if it is no RTP. Never raises, whatever the bytes are."""
    if not _HEADER_BYTES <= len(data) < LONGEST_DATAGRAM:
        return None
    flags, kind, sequence, timestamp, ssrc = HEADER.unpack_from(data)
    start, end = _HEADER_BYTES, len(data)
    if flags != 0x80:
        if flags >> 6 != 2:
            return None
        start += 4 * (flags & 0x0F)
        if flags & 0x10:
            if start + 4 > end:
                return None
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
        if flags & 0x20:
            padding = data[-1]
            if not padding:
                return None
            end -= padding
        if start > end:
            return None
    return Packet(kind & 0x7F, kind > 0x7F, sequence, timestamp, ssrc, data[start:end])


def ahead(newer: int, older: int) -> int:
    """How far one 32-bit timestamp is ahead of another, across the wrap; negative if behind."""
    return (newer - older + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def sequence_ahead(newer: int, older: int) -> int:
    """The same for sequence numbers of 16 bits."""
    return (newer - older + 0x8000 & 0xFFFF) - 0x8000


def aheads(newer: Counts, older: Counts) -> Counts:
    """`ahead` for many at once."""
    return (newer - older + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def sequences_ahead(newer: Counts, older: Counts) -> Counts:
    """`sequence_ahead` for many at once."""
    return (newer - older + 0x8000 & 0xFFFF) - 0x8000
