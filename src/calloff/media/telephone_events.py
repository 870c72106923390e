"""Keys as events (RFC 4733) and as tones, both ways."""

import struct
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy

from calloff.media.events import KeysSent
from calloff.media.rtp import ahead
from calloff.media.sound import SAMPLE_RATE, SILENCE, Codec, encode

EVENT_KEYS = "0123456789*#ABCD"
"""The keys in the order of their event numbers (RFC 4733 section 3.2)."""
ROWS = (697, 770, 852, 941)
"""The lower tones of the keypad, in Hz (ITU-T Q.23)."""
COLUMNS = (1209, 1336, 1477, 1633)
"""The higher ones."""
KEYPAD = ("123A", "456B", "789C", "*0#D")
_EVENT = struct.Struct("!BBH")
_END = 0x80
_VOLUME = 10
_LONGEST_DURATION = 0xFFFF
_KEY_SAMPLES = 800
_GAP_SAMPLES = 640
_PAUSE_SAMPLES = SAMPLE_RATE
_ENDS = 3
_RESTAMPED = 320
"""Samples within which an event that did not end goes on although its timestamp has moved, as some gateways do."""


class KeyReader:
    """Tells when a key goes down, from the events of one source."""

    __slots__ = ("_duration", "_ended", "_event", "_timestamp")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew, with a new source."""
        self._event = -1
        self._timestamp = 0
        self._duration = 0
        self._ended = True

    def read(self, timestamp: int, marker: bool, payload: bytes) -> str | None:
        """The key that this packet presses; None for repetitions, ends, events that are no keys, and garbage."""
        if len(payload) < _EVENT.size:
            return None
        event, flags, duration = _EVENT.unpack_from(payload)
        if event >= len(EVENT_KEYS):
            return None
        if self._event >= 0:
            distance = ahead(timestamp, self._timestamp)
            if distance < 0:
                return None
            goes_on = distance == 0 or (
                not self._ended and not marker and (distance <= _RESTAMPED or self._wrapped(distance))
            )
            if event == self._event and goes_on:
                self._timestamp = timestamp
                self._duration = duration
                self._ended |= bool(flags & _END)
                return None
            if distance == 0:
                return None
        self._event, self._timestamp, self._duration = event, timestamp, duration
        self._ended = bool(flags & _END)
        return EVENT_KEYS[event]

    def _wrapped(self, distance: int) -> bool:
        """Whether this is the next segment of an event longer than 65,535 samples (section 2.5.1.3)."""
        return abs(distance - _LONGEST_DURATION) <= _RESTAMPED and self._duration > _LONGEST_DURATION - SAMPLE_RATE


class KeyPacket(NamedTuple):
    """What is sent in the place of a packet of sound."""

    payload_type: int
    marker: bool
    timestamp: int
    payload: bytes


class KeyWriter:
    """Sends keys one after the other, a packet at each step."""

    def __init__(self, tell: Callable[[KeysSent], None]) -> None:
        self._tell = tell
        self._waiting: deque[str | int] = deque()
        self._key: str | None = None
        self._start = 0
        self._sent = 0
        self._ends = 0
        self._rest = 0
        self._as_tone = False

    def send(self, batch: int, keys: str) -> None:
        """Queue keys; `KeysSent` follows when all of them are sent."""
        self._waiting += [*keys.upper(), batch]

    def __bool__(self) -> bool:
        """Whether a step has something to do."""
        return self._key is not None or self._rest > 0 or bool(self._waiting)

    def step(self, timestamp: int, samples: int, payload_type: int | None, codec: Codec) -> KeyPacket | None:
        """What to send at `timestamp` for so many samples; None for sound."""
        if self._rest > 0:
            self._rest -= samples
            if self._rest <= 0:
                self._batches()
            return None
        if self._key is None:
            if not self._waiting:
                return None
            key = self._waiting.popleft()
            assert isinstance(key, str)
            if key not in EVENT_KEYS:
                self._rest = _PAUSE_SAMPLES - samples
                return None
            self._key, self._start, self._sent, self._ends = key, timestamp, 0, 0
            self._as_tone = payload_type is None
        if self._as_tone or payload_type is None:
            return self._tone(timestamp, samples, codec)
        marker = self._sent == 0
        self._sent = min(self._sent + samples, max(_KEY_SAMPLES, samples))
        ends = self._sent >= _KEY_SAMPLES
        payload = _EVENT.pack(EVENT_KEYS.index(self._key), _VOLUME | (_END if ends else 0), self._sent)
        packet = KeyPacket(payload_type, marker, self._start, payload)
        if ends:
            self._ends += 1
            if self._ends == _ENDS:
                self._key, self._rest = None, _GAP_SAMPLES
        return packet

    def _tone(self, timestamp: int, samples: int, codec: Codec) -> KeyPacket:
        assert self._key is not None
        piece = tone_of(self._key, codec)[self._sent : self._sent + samples]
        self._sent += samples
        if self._sent >= _KEY_SAMPLES:
            self._key, self._rest = None, _GAP_SAMPLES
        return KeyPacket(int(codec), False, timestamp, piece.ljust(samples, bytes((SILENCE[codec],))))

    def _batches(self) -> None:
        while self._waiting and isinstance(self._waiting[0], int):
            self._tell(KeysSent(int(self._waiting.popleft())))


@lru_cache(maxsize=64)
def tone_of(key: str, codec: Codec) -> bytes:
    """The two tones of a key for 100 ms, at -9 dBm0 together."""
    row = next(index for index, keys in enumerate(KEYPAD) if key in keys)
    low, high = ROWS[row], COLUMNS[KEYPAD[row].index(key)]
    at = numpy.arange(_KEY_SAMPLES) * (2 * numpy.pi / SAMPLE_RATE)
    return encode((6000 * (numpy.sin(low * at) + numpy.sin(high * at))).astype(numpy.int16), codec).tobytes()
