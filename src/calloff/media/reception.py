"""What has come of each call's stream, counted as RFC 3550 (sections 6.4.1 and appendix A) has it: a row a call."""

from dataclasses import dataclass

import numpy

from calloff.media.rtp import Bits, Counts, Packet, aheads, sequence_ahead, sequences_ahead
from calloff.media.sound import SAMPLE_RATE

_JUMP = 3000
"""Sequence numbers: one that is further away begins a new stream."""


@dataclass(frozen=True, slots=True)
class Reception:
    """A report block's worth (RFC 3550 section 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Of 256, since the last report."""
    lost: int
    highest: int
    """With the times that it has wrapped above it."""
    jitter: int
    """In samples."""


class Receptions:
    """The streams that are received."""

    def __init__(self, rows: int) -> None:
        self.ssrc = numpy.full(rows, -1, numpy.int64)
        """Of the far end; -1 until its first packet."""
        self.highest = numpy.zeros(rows, numpy.int64)
        self.packets, self.bytes, self._expected, self._cycles = (numpy.zeros(rows, numpy.int64) for _ in range(4))
        self._reported = numpy.zeros((rows, 2), numpy.int64)
        """Expected and received packets, as the last report had them."""
        self._transit = numpy.full(rows, numpy.nan)
        self.jitter = numpy.zeros(rows)
        """In samples."""

    def open(self, row: int) -> None:
        """Begin to count for another call."""
        for counts in (
            self.packets,
            self.bytes,
            self._expected,
            self._reported,
            self._cycles,
            self.highest,
            self.jitter,
        ):
            counts[row] = 0
        self.ssrc[row], self._transit[row] = -1, numpy.nan

    def goes_on(self, rows: Counts, ssrcs: Counts, sequences: Counts) -> Bits:
        """Whether each packet belongs to the stream that its row has."""
        further: Counts = numpy.abs(sequences_ahead(sequences, self.highest[rows]))
        goes_on: Bits = (self.ssrc[rows] == ssrcs) & (further <= _JUMP)
        return goes_on

    def count(self, row: int, packet: Packet, now: float) -> bool:
        """Count a packet; whether it begins a new stream."""
        is_new = packet.ssrc != self.ssrc[row] or abs(sequence_ahead(packet.sequence, int(self.highest[row]))) > _JUMP
        if is_new:
            self.ssrc[row], self.highest[row], self._transit[row] = packet.ssrc, packet.sequence - 1 & 0xFFFF, numpy.nan
            self._cycles[row] = 0
        self.count_many(
            numpy.array([row]),
            numpy.array([packet.sequence]),
            numpy.array([packet.timestamp]),
            len(packet.payload),
            now,
        )
        return bool(is_new)

    def count_many(self, rows: Counts, sequences: Counts, timestamps: Counts, size: int, now: float) -> None:
        """Count a packet with `size` bytes of payload in each of `rows`, which are all different."""
        self.packets[rows] += 1
        self.bytes[rows] += size
        further = numpy.maximum(sequences_ahead(sequences, self.highest[rows]), 0)
        self._expected[rows] += further
        self._cycles[rows] += self.highest[rows] + further > 0xFFFF
        self.highest[rows] = self.highest[rows] + further & 0xFFFF
        transit = now * SAMPLE_RATE - timestamps
        before = self._transit[rows]
        known = ~numpy.isnan(before)
        difference: Counts = numpy.abs(
            aheads(transit.astype(numpy.int64), numpy.where(known, before, transit).astype(numpy.int64))
        )
        jitter = self.jitter[rows]
        self.jitter[rows] = jitter + numpy.where(difference < SAMPLE_RATE, (difference - jitter) / 16, 0) * known
        self._transit[rows] = transit

    def lost(self, row: int) -> int:
        """Packets that never came."""
        return max(0, int(self._expected[row] - self.packets[row]))

    def report(self, row: int) -> Reception | None:
        """For a report block; the next one counts from here. None if nothing has come."""
        if self.ssrc[row] < 0:
            return None
        now = numpy.array([self._expected[row], self.packets[row]])
        expected, received = (now - self._reported[row]).tolist()
        self._reported[row] = now
        missing = max(0, expected - received)
        return Reception(
            ssrc=int(self.ssrc[row]),
            fraction_lost=min(255, missing * 256 // expected) if expected > 0 else 0,
            lost=min(0x7FFFFF, self.lost(row)),
            highest=int(self._cycles[row]) << 16 & 0xFFFFFFFF | int(self.highest[row]),
            jitter=int(self.jitter[row]),
        )
