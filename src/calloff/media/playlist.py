"""What is to be heard by one far end, in its order."""

from collections import deque
from collections.abc import Callable

from calloff.media.events import Marked, MediaEvent, Played
from calloff.media.sound import DECODE, SILENCE, Codec, encode

Tell = Callable[[MediaEvent], None]

OTHER_LAW = {
    codec: encode(DECODE[Codec.PCMA if codec is Codec.PCMU else Codec.PCMU], codec).tobytes() for codec in Codec
}
"""For each law, the table for `bytes.translate` that makes it of the other one."""


class _Item:
    __slots__ = ("barge_in", "codec", "data", "mark", "number", "position")

    def __init__(
        self, data: bytes, codec: Codec, *, number: int | None = None, barge_in: bool = False, mark: int | None = None
    ) -> None:
        self.data = data
        self.codec = codec
        self.position = 0
        self.number = number
        self.barge_in = barge_in
        self.mark = mark


class Playlist:
    """Sounds, written sound and marks, one after the other."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._items: deque[_Item] = deque()

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._items)

    def play(self, number: int, data: bytes, codec: Codec, barge_in: bool) -> None:
        """Queue an encoded sound; `Played` tells of its end."""
        self._items.append(_Item(data, codec, number=number, barge_in=barge_in))
        self._settle()

    def write(self, data: bytes, codec: Codec) -> None:
        """Queue encoded sound."""
        if data:
            self._items.append(_Item(data, codec))

    def mark(self, number: int) -> None:
        """Tell `Marked` when all that is queued has been taken or dropped."""
        self._items.append(_Item(b"", Codec.PCMU, mark=number))
        self._settle()

    def flush(self) -> None:
        """Drop everything."""
        while self._items:
            self._end(self._items.popleft(), cut=True)

    def stop(self, number: int) -> None:
        """Drop one sound."""
        self._drop(lambda item: item.number == number)

    def key(self) -> None:
        """Drop what a key cuts, if it cuts what plays now."""
        if self._items and self._items[0].barge_in:
            self._drop(lambda item: item.barge_in)

    def take(self, samples: int, codec: Codec) -> bytes | None:
        """The next samples in the law of `codec`; None if there is nothing to be heard."""
        if not self._items:
            return None
        item = self._items[0]
        end = item.position + samples
        if end < len(item.data):
            piece = item.data[item.position : end]
            item.position = end
            return piece if item.codec is codec else piece.translate(OTHER_LAW[codec])
        taken = bytearray()
        while self._items and len(taken) < samples:
            item = self._items[0]
            piece = item.data[item.position : item.position + samples - len(taken)]
            item.position += len(piece)
            taken += piece if item.codec is codec else piece.translate(OTHER_LAW[codec])
            self._settle()
        return bytes(taken.ljust(samples, bytes((SILENCE[codec],))))

    def _drop(self, chosen: Callable[[_Item], bool]) -> None:
        dropped = [item for item in self._items if chosen(item)]
        if dropped:
            self._items = deque(item for item in self._items if not chosen(item))
            for item in dropped:
                self._end(item, cut=True)
            self._settle()

    def _settle(self) -> None:
        """Tell of what is over at the head."""
        while self._items and self._items[0].position >= len(self._items[0].data):
            self._end(self._items.popleft(), cut=False)

    def _end(self, item: _Item, *, cut: bool) -> None:
        if item.mark is not None:
            self._tell(Marked(item.mark))
        elif item.number is not None:
            self._tell(Played(item.number, item.position, cut))
