"""What a tick touches of every call, in arrays: a row a call, so that most of a tick is done for all at once."""

import numpy

from calloff.media.jitter import JitterBuffers
from calloff.media.reception import Receptions
from calloff.media.rtp import Counts
from calloff.media.sound import FRAME_SAMPLES, SILENCE, Codec
from calloff.media.tones import KeyDetectors

HEADER_BYTES = 12
PACKET_BYTES = HEADER_BYTES + FRAME_SAMPLES


class Rows:
    """The arrays, and who has which row."""

    def __init__(self, rows: int) -> None:
        self._free = list(range(rows - 1, -1, -1))
        self.receptions = Receptions(rows)
        self.buffers = JitterBuffers(rows)
        self.detectors = KeyDetectors(rows)

        self.plain_law = numpy.full(rows, -1, numpy.int64)
        """The payload number of the packets that may be taken without a second look; -1 if none may."""
        self.is_heard = numpy.zeros(rows, numpy.bool_)
        """Whether anybody wants to hear what comes."""
        self.has_keys_in_sound = numpy.zeros(rows, numpy.bool_)
        """Whether the far end sends no events of keys, so that they are looked for in what is heard."""
        self.law = numpy.zeros(rows, numpy.intp)
        """Of what came last: 0 for PCMU, 1 for PCMA."""
        self.last = numpy.zeros((rows, FRAME_SAMPLES), numpy.int16)
        """What was heard in the last tick."""
        self.missing = numpy.zeros(rows, numpy.int64)
        """Frames since the last one that was there."""
        self.silent_since = numpy.zeros(rows)
        self.no_media_after = numpy.full(rows, numpy.inf)
        """Seconds without a packet that are told."""
        self.told_silent = numpy.zeros(rows, numpy.bool_)
        """Whether they were, and nothing has come since."""
        self.report_at = numpy.full(rows, numpy.inf)
        """When the next report of RTCP is due, on the monotonic clock."""

        self.sends = numpy.zeros(rows, numpy.bool_)
        """Whether a packet of 20 ms leaves in each tick."""
        self._packets = numpy.zeros((rows, PACKET_BYTES), numpy.uint8)
        self._packets[:, 0] = 0x80
        self._kinds = self._packets[:, 1]
        self._sequences = self._packets[:, 2:4].view(">u2")[:, 0]
        self._timestamps = self._packets[:, 4:8].view(">u4")[:, 0]
        self._sources = self._packets[:, 8:12].view(">u4")[:, 0]
        self.sound = self._packets[:, HEADER_BYTES:]
        """What is said next, in the law that was agreed on."""
        self.sequence, self.timestamp, self.sent, self.sent_bytes = (numpy.zeros(rows, numpy.int64) for _ in range(4))
        self.marker = numpy.zeros(rows, numpy.bool_)
        """Whether the next packet begins anew (RFC 3551 section 4.1)."""
        self.kind = numpy.zeros(rows, numpy.uint8)
        """The payload number of what is said."""

    def take(self) -> int | None:
        """A row, which nobody else has; None if there is none."""
        return self._free.pop() if self._free else None

    def open(self, row: int, *, ssrc: int, sequence: int, timestamp: int, now: float) -> None:
        """Begin a call in a row."""
        self.receptions.open(row)
        self.buffers.open(row)
        self.detectors.open(row)
        self.plain_law[row] = -1
        self.is_heard[row] = self.has_keys_in_sound[row] = self.sends[row] = self.told_silent[row] = False
        self.law[row] = self.missing[row] = self.sent[row] = self.sent_bytes[row] = 0
        self.last[row] = 0
        self.silent_since[row] = now
        self.no_media_after[row] = self.report_at[row] = numpy.inf
        self._sources[row], self.sequence[row], self.timestamp[row] = ssrc, sequence, timestamp
        self.marker[row] = True
        self.speak(row, Codec.PCMU)

    def speak(self, row: int, codec: Codec) -> None:
        """Say silence in the law of `codec`, until there is something else to say."""
        self.kind[row] = int(codec)
        self.sound[row] = SILENCE[codec]

    def give_back(self, row: int) -> None:
        """End the call in a row."""
        self.is_heard[row] = self.sends[row] = False
        self.plain_law[row] = -1
        self.no_media_after[row] = self.report_at[row] = numpy.inf
        self._free.append(row)

    def packet(self, row: int) -> memoryview:
        """The bytes of the row's packet, as each tick writes them anew."""
        return memoryview(self._packets[row])

    def write_headers(self, rows: Counts) -> None:
        """Write the headers of the packets that these rows send now, and go on to the next ones."""
        self._kinds[rows] = self.kind[rows] | self.marker[rows].astype(numpy.uint8) << 7
        self._sequences[rows] = self.sequence[rows]
        self._timestamps[rows] = self.timestamp[rows]
        self.marker[rows] = False
        self.sequence[rows] = self.sequence[rows] + 1 & 0xFFFF
        self.sent[rows] += 1
        self.sent_bytes[rows] += FRAME_SAMPLES
