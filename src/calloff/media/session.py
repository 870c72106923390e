"""The media of one call, as the dialer has them in hand."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from calloff.media.agreement import Agreement, pack_agreement
from calloff.media.events import Closed, KeysSent, Lost, MediaEvent
from calloff.media.sound import SAMPLE_RATE, Codec, Sound

OnEvent = Callable[[MediaEvent], None]

LONGEST_QUEUE = 2.0
"""Seconds of PCM that a session takes ahead with `write`."""
LONGEST_READ = 2.0
"""Seconds of PCM that a session keeps for `read`; older sound is dropped."""
KEYS = frozenset("0123456789*#ABCDabcd,wp")
"""What `Session.send_keys` takes."""
_BYTES_PER_SECOND = 2 * SAMPLE_RATE
_log = logging.getLogger(__name__)


class Engine(Protocol):
    """What a session needs of the engine's client."""

    def send(self, command: str, *arguments: object) -> None:
        """Put a command into the next batch."""
        ...

    def handle_of(self, sound: Sound, codec: Codec) -> int:
        """The number under which the engine has `sound`, which it gets if it has not."""
        ...


class Session:
    """The media of one leg. Made by `MediaEngine.open`; harmless, and silent, once it is closed or lost."""

    def __init__(self, engine: Engine, number: int, ports: tuple[int, int], on_event: OnEvent) -> None:
        self._engine = engine
        self.number = number
        self.port, self.rtcp_port = ports
        """The UDP ports for SDP: of the media, and of the reports (the next one)."""
        self._on_event = on_event
        self._codec = Codec.PCMU
        self._next = 0
        self._open = True
        self._written_until = 0.0
        self._heard = bytearray()
        self._listening = False
        self._keys: dict[int, asyncio.Future[None]] = {}

    @property
    def is_open(self) -> bool:
        """Whether it is neither closed nor lost."""
        return self._open

    def update(self, agreement: Agreement) -> None:
        """Go on as agreed: with the first answer media begin to flow, early ones included.

        Each update opens the latch again, so that a new source may be proved (a fork, a re-INVITE); until then media
        of the old one are taken. An agreement that equals the last one (a session refresh) changes nothing.
        """
        self._codec = agreement.codec
        self._send("update", pack_agreement(agreement))

    def play(self, sound: Sound, *, barge_in: bool = False) -> int:
        """Play `sound` after whatever is queued; `Played` tells of its end, with the number that is returned.

        With `barge_in`, a key cuts it, and every sound that waits behind it with `barge_in`, within the tick in which
        the key was heard. `Key` comes before `Played`.
        """
        play = self._number()
        if self._open:
            self._send("play", play, self._engine.handle_of(sound, self._codec), barge_in)
        return play

    def write(self, pcm: bytes) -> int:
        """Queue PCM after whatever is queued; how many bytes were taken: `LONGEST_QUEUE` seconds wait at most."""
        now = time.monotonic()
        ahead = max(0.0, self._written_until - now)
        room = int((LONGEST_QUEUE - ahead) * _BYTES_PER_SECOND)
        taken = min(len(pcm), max(0, room)) & ~1
        if not self._open or not taken:
            return 0
        self._written_until = now + ahead + taken / _BYTES_PER_SECOND
        self._send("write", pcm[:taken])
        return taken

    def mark(self) -> int:
        """Ask for `Marked` at the moment when all that is queued now has been sent or dropped."""
        mark = self._number()
        self._send("mark", mark)
        return mark

    def flush(self) -> None:
        """Drop all that is queued, within a tick; `Played` (cut) and `Marked` tell of each."""
        self._written_until = 0.0
        self._send("flush")

    def stop(self, play: int) -> None:
        """End one `play`, whether it has begun or waits."""
        self._send("stop", play)

    async def send_keys(self, keys: str) -> None:
        """Send `0-9*#A-D`, each 100 ms long, and return when they are sent; `,` `w` and `p` pause for a second.

        As events of RFC 4733 if the far end takes them, else as tones. What plays meanwhile is silent for the keys.
        Returns early with the session. Raises `ValueError` for anything else.
        """
        if not KEYS.issuperset(keys):
            raise ValueError("keys are 0-9, *, #, A-D, and pauses")
        if not self._open or not keys:
            return
        batch = self._number()
        sent = self._keys[batch] = asyncio.get_running_loop().create_future()
        self._send("send_keys", batch, keys)
        try:
            await sent
        finally:
            self._keys.pop(batch, None)

    def listen(self, sound: bool) -> None:
        """Begin or end to keep what is heard for `read`."""
        self._listening = sound
        self._send("listen", sound)

    def read(self, max_bytes: int) -> bytes:
        """Sound that came since the last read (jitter taken out, gaps concealed), `b""` if none.

        The first call begins to listen: what came before it is not kept. The newest `LONGEST_READ` seconds are.
        """
        if not self._listening and self._open:
            self.listen(True)
        length = min(max_bytes, len(self._heard)) & ~1
        heard = bytes(self._heard[:length])
        del self._heard[:length]
        return heard

    def connect(self, other: "Session | None") -> None:
        """Let this leg and another one hear each other (None: no more), mixed with what is played to each.

        A leg is connected to one other at most; connecting it anew, or closing it, ends what was.
        """
        self._send("connect", None if other is None else other.number)

    def record(self, recording: bool) -> None:
        """Begin or end to deliver both directions as `Recorded`; the last piece comes after the end."""
        self._send("record", recording)

    def watch(self, no_media_after: float) -> None:
        """Tell `NoMedia` after so many seconds without a packet, counted from now on; 0 stops that."""
        self._send("watch", no_media_after)

    def measure(self) -> None:
        """Ask for `Measured`."""
        self._send("measure")

    def close(self) -> None:
        """Stop at once and free the ports; `Closed` follows and is the last event."""
        if self._open:
            self._send("close")
            self._finish()

    def deliver(self, event: MediaEvent) -> None:
        """Take an event of the engine; for the engine's client only."""
        if isinstance(event, KeysSent):
            if sent := self._keys.get(event.batch):
                sent.set_result(None) if not sent.done() else None
            return
        is_last = isinstance(event, Lost | Closed)
        if is_last:
            self._finish()
        try:
            self._on_event(event)
        except Exception:
            _log.exception("an event of a call's media could not be handled")
        if is_last:
            self._on_event = _ignore  # Its owner refers to it in turn; both are freed at once without.

    def hear(self, pcm: bytes) -> None:
        """Take sound for `read`; for the engine's client only."""
        self._heard += pcm
        excess = len(self._heard) - int(LONGEST_READ * _BYTES_PER_SECOND)
        if excess > 0:
            del self._heard[:excess]

    def _finish(self) -> None:
        self._open = False
        for sent in self._keys.values():
            if not sent.done():
                sent.set_result(None)

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _send(self, command: str, *arguments: object) -> None:
        if self._open:
            self._engine.send(command, self.number, *arguments)


def _ignore(event: MediaEvent) -> None:
    pass
