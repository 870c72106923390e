"""What comes in packets at odd times leaves in frames of 20 ms at even ones, for all calls at once: a row a call.

A buffer waits as long as what has come lately demands (40 ms at first, 200 at most): it begins again to fill whenever
it has run empty, and drops a frame when it has been fuller than needed for two seconds.
"""

import numpy

from calloff.media.rtp import Bits, Counts, ahead, aheads
from calloff.media.sound import FRAME_SAMPLES, Encoded

_FEWEST = 2
_MOST = 10
_KEPT = 64
"""Frames that a row has room for: a power of two."""
_JUMP = 8000
"""Samples: a timestamp that is further away begins a new stream."""
_WINDOW = 100
"""Frames over which it is looked whether the buffer is fuller than needed."""
_FAR = 1 << 16
"""Frames after which they are counted anew, so that a call of days does not reach the end of what timestamps tell."""


class JitterBuffers:
    """The frames of a stream in each row. Indices of frames count from the stream's first packet."""

    def __init__(self, rows: int) -> None:
        self._frames = numpy.zeros((rows, _KEPT, FRAME_SAMPLES), numpy.uint8)
        self._has = numpy.zeros((rows, _KEPT), numpy.bool_)
        self._begun = numpy.zeros(rows, numpy.bool_)
        """Whether a packet has come since the reset."""
        self._plays = numpy.zeros(rows, numpy.bool_)
        """Whether frames are taken, and `_next` is the next one."""
        self._base, self._next, self._newest = (numpy.zeros(rows, numpy.int64) for _ in range(3))
        self._waited, self._least, self._window = (numpy.zeros(rows, numpy.int64) for _ in range(3))
        self._target = numpy.full(rows, _FEWEST, numpy.int64)
        self._silence = numpy.full(rows, 0xFF, numpy.uint8)
        self.depth = numpy.zeros(rows, numpy.int64)
        """Frames that wait."""
        self.late = numpy.zeros(rows, numpy.int64)
        """Packets that came when their turn was over."""

    def open(self, row: int, silence: int = 0xFF) -> None:
        """Begin a stream; `silence` is the byte that fills what a packet leaves out of its frame."""
        self.late[row] = 0
        self._target[row] = _FEWEST
        self._silence[row] = silence
        self.reset(row)

    def reset(self, row: int) -> None:
        """Forget the stream; the next packet begins one."""
        self._has[row] = False
        self._begun[row] = self._plays[row] = False
        self._newest[row] = self._waited[row] = self._window[row] = self.depth[row] = 0
        self._least[row] = _MOST

    def put(self, row: int, timestamp: int, payload: bytes, jitter: float) -> None:
        """Take a packet's sound, of any length; `jitter` is the stream's, in samples."""
        self._target[row] = min(_MOST, max(_FEWEST, _FEWEST + int(2.5 * jitter) // FRAME_SAMPLES))
        offset = ahead(timestamp, int(self._base[row]))
        if not self._begun[row] or not -_JUMP < offset - int(self._newest[row]) * FRAME_SAMPLES < _JUMP:
            self.reset(row)
            self._begun[row], self._base[row], offset = True, timestamp, 0
        sound = numpy.frombuffer(payload, numpy.uint8)
        index, inside = divmod(offset, FRAME_SAMPLES)
        position, was_late = 0, False
        while position < len(sound):
            piece = sound[position : position + FRAME_SAMPLES - inside]
            was_late |= not self._fill(row, index, inside, piece)
            position += len(piece)
            index, inside = index + 1, 0
        self.late[row] += was_late
        self._newest[row] = max(int(self._newest[row]), index - 1)
        if self._newest[row] >= _FAR:
            self._rebase(row)

    def put_frames(self, rows: Counts, timestamps: Counts, payloads: Encoded, jitters: "numpy.ndarray") -> None:
        """Take a packet of exactly one frame in each of `rows`, which are all different."""
        offsets = aheads(timestamps, self._base[rows])
        indices = offsets // FRAME_SAMPLES
        is_plain = (
            self._begun[rows]
            & (offsets == indices * FRAME_SAMPLES)
            & (numpy.abs(indices - self._newest[rows]) < _JUMP // FRAME_SAMPLES)
            & (indices - self._next[rows] < _KEPT)
            & (indices < _FAR)
        )
        if not is_plain.all():
            for at in numpy.flatnonzero(~is_plain):
                self.put(int(rows[at]), int(timestamps[at]), payloads[at].tobytes(), float(jitters[at]))
            rows, indices, payloads, jitters = rows[is_plain], indices[is_plain], payloads[is_plain], jitters[is_plain]
        self._target[rows] = numpy.clip(_FEWEST + (2.5 * jitters).astype(numpy.int64) // FRAME_SAMPLES, _FEWEST, _MOST)
        is_late = self._plays[rows] & (indices < self._next[rows])
        if is_late.any():
            self.late[rows[is_late]] += 1
            rows, indices, payloads = rows[~is_late], indices[~is_late], payloads[~is_late]
        places = indices & (_KEPT - 1)
        self._frames[rows, places] = payloads
        self.depth[rows] += ~self._has[rows, places]
        self._has[rows, places] = True
        self._newest[rows] = numpy.maximum(self._newest[rows], indices)

    def take(self, rows: Counts) -> tuple[Encoded, Bits]:
        """The next frame of each row, and whether there is one: it may be missing, or the buffer filling."""
        for at in numpy.flatnonzero(~self._plays[rows] & (self.depth[rows] > 0)):
            self._wait(int(rows[at]))
        plays = self._plays[rows]
        is_empty = plays & (self.depth[rows] == 0)
        if is_empty.any():
            empty = rows[is_empty]
            self._plays[empty] = False
            self._waited[empty] = 0
            plays &= ~is_empty
        depth = self.depth[rows]
        self._least[rows] = numpy.minimum(self._least[rows], depth)
        self._window[rows] += plays
        for at in numpy.flatnonzero(plays & ((self._window[rows] >= _WINDOW) | (depth > 2 * _MOST))):
            self._look_whether_too_full(int(rows[at]))
        places = self._next[rows] & (_KEPT - 1)
        found = plays & self._has[rows, places]
        frames = self._frames[rows, places]
        self._has[rows, places] &= ~found
        self.depth[rows] -= found
        self._next[rows] += plays
        return frames, found

    def _fill(self, row: int, index: int, inside: int, piece: Encoded) -> bool:
        """Put a piece into its frame; False if its turn is over."""
        if self._plays[row]:
            if index < self._next[row]:
                return False
            if index - self._next[row] >= _KEPT:
                self._drop(row, index - _KEPT + 1)
        place = index & (_KEPT - 1)
        if not self._has[row, place]:
            self._frames[row, place] = self._silence[row]
            self._has[row, place] = True
            self.depth[row] += 1
        self._frames[row, place, inside : inside + len(piece)] = piece
        return True

    def _wait(self, row: int) -> None:
        """Begin to play once enough is there, or it was waited long enough."""
        self._waited[row] += 1
        newest = int(self._newest[row])
        oldest = next(index for index in range(newest - _KEPT + 1, newest + 1) if self._has[row, index & (_KEPT - 1)])
        if newest - oldest + 1 >= self._target[row] or self._waited[row] > self._target[row]:
            self._plays[row], self._next[row] = True, oldest

    def _look_whether_too_full(self, row: int) -> None:
        if self._least[row] > self._target[row]:
            self._drop(row, int(self._next[row]) + 1)
        self._window[row], self._least[row] = 0, 2 * _MOST

    def _drop(self, row: int, until: int) -> None:
        """Go on at the frame `until`."""
        for index in range(int(self._next[row]), min(until, int(self._next[row]) + _KEPT)):
            place = index & (_KEPT - 1)
            self.depth[row] -= int(self._has[row, place])
            self._has[row, place] = False
        self._next[row] = until

    def _rebase(self, row: int) -> None:
        shift = int(self._newest[row]) & ~(_KEPT - 1)
        self._base[row] = int(self._base[row]) + shift * FRAME_SAMPLES & 0xFFFFFFFF
        self._newest[row] -= shift
        self._next[row] -= shift
