"""What comes in packets at odd times leaves in frames of 20 ms at even ones.

The buffer waits as long as what has come lately demands (40 ms at first, 200 at most): it begins again to fill whenever
it has run empty, and drops a frame when it has been fuller than needed for two seconds.
"""

from calloff.media.rtp import ahead
from calloff.media.sound import FRAME_SAMPLES

_FEWEST = 2
_MOST = 10
_JUMP = 8000
"""Samples: a timestamp that is further away begins a new stream."""
_WINDOW = 100
"""Frames over which it is looked whether the buffer is fuller than needed."""


class JitterBuffer:
    """The frames of one stream. `silence` is the byte that fills what a packet leaves out of its frame."""

    __slots__ = ("_base", "_frames", "_least", "_newest", "_next", "_target", "_waited", "_window", "late", "silence")

    def __init__(self, silence: int = 0xFF) -> None:
        self.silence = silence
        self.late = 0
        """Packets that came when their turn was over."""
        self._target = _FEWEST
        self.reset()

    def reset(self) -> None:
        """Forget the stream; the next packet begins one."""
        self._frames: dict[int, bytes] = {}
        self._base: int | None = None
        self._next: int | None = None
        self._newest = 0
        self._waited = 0
        self._least = _MOST
        self._window = 0

    @property
    def depth(self) -> int:
        """Frames that wait."""
        return len(self._frames)

    def put(self, timestamp: int, payload: bytes, jitter: float) -> None:
        """Take a packet's sound; `jitter` is the stream's, in samples."""
        base = self._base
        if base is None:
            self._base = base = timestamp
        offset = ahead(timestamp, base)
        newest = self._newest * FRAME_SAMPLES
        if not -_JUMP < offset - newest < _JUMP:
            self.reset()
            self._base = base = timestamp
            offset = 0
        index, inside = divmod(offset, FRAME_SAMPLES)
        self._target = min(_MOST, max(_FEWEST, _FEWEST + int(2.5 * jitter) // FRAME_SAMPLES))
        if inside or len(payload) != FRAME_SAMPLES:
            last = self._spread(offset, payload)
        else:
            last = index
            if self._next is not None and index < self._next:
                self.late += 1
                return
            self._frames[index] = payload
        if last > self._newest:
            self._newest = last
            if not last & 0xFFF:
                self._rebase()

    def take(self) -> bytes | None:
        """The next frame; None if it is missing, or the buffer is filling."""
        frames = self._frames
        if self._next is None:
            if not frames:
                return None
            self._waited += 1
            oldest = min(frames)
            if self._newest - oldest + 1 < self._target and self._waited <= self._target:
                return None
            self._next = oldest
        if not frames:
            self._next = None
            self._waited = 0
            return None
        depth = len(frames)
        if depth < self._least:
            self._least = depth
        self._window += 1
        if self._window >= _WINDOW or depth > 2 * _MOST:
            if self._least > self._target:
                frames.pop(self._next, None)
                self._next += 1
            self._window, self._least = 0, 2 * _MOST
        frame = frames.pop(self._next, None)
        self._next += 1
        return frame

    def _spread(self, offset: int, payload: bytes) -> int:
        """Take sound that is not exactly one frame, such as 10 or 30 ms; the last frame that it reaches."""
        index, inside = divmod(offset, FRAME_SAMPLES)
        position = 0
        was_late = False
        while position < len(payload):
            piece = payload[position : position + FRAME_SAMPLES - inside]
            if self._next is not None and index < self._next:
                was_late = True
            elif len(piece) == FRAME_SAMPLES:
                self._frames[index] = piece
            else:
                frame = bytearray(self._frames.get(index) or bytes((self.silence,)) * FRAME_SAMPLES)
                frame[inside : inside + len(piece)] = piece
                self._frames[index] = bytes(frame)
            position += len(piece)
            index, inside = index + 1, 0
        self.late += was_late
        return index - 1

    def _rebase(self) -> None:
        """Count from here, so that a call of days does not reach the end of what timestamps can tell apart."""
        shift = self._newest
        assert self._base is not None
        self._base = self._base + shift * FRAME_SAMPLES & 0xFFFFFFFF
        self._frames = {index - shift: frame for index, frame in self._frames.items()}
        self._newest = 0
        if self._next is not None:
            self._next -= shift
