"""Sound as the engine takes it: 16-bit PCM at 8 kHz, and G.711 (ITU-T G.711), made once for all calls that hear it."""

from enum import IntEnum
from functools import lru_cache

import numpy
import numpy.typing

SAMPLE_RATE = 8000
"""Samples a second of all media: 16-bit signed little-endian, one channel."""
FRAME_SAMPLES = 160
"""Samples in one packet time (20 ms)."""
FRAME_BYTES = 2 * FRAME_SAMPLES
"""Bytes of PCM in one packet time."""

Pcm = numpy.typing.NDArray[numpy.int16]
Encoded = numpy.typing.NDArray[numpy.uint8]


class Codec(IntEnum):
    """The two laws of G.711, with their payload numbers (RFC 3551 section 6)."""

    PCMU = 0
    PCMA = 8


SILENCE = {Codec.PCMU: 0xFF, Codec.PCMA: 0xD5}
"""The byte of each law that stands for nothing heard."""


class Sound:
    """Something to be played, on any number of calls; it is encoded once for each law.

    `pcm` is 16-bit PCM at 8 kHz; an odd last byte is left out.
    """

    __slots__ = ("__weakref__", "_encoded", "_pcm")

    def __init__(self, pcm: bytes) -> None:
        self._pcm = pcm[: len(pcm) & ~1]
        self._encoded: dict[Codec, bytes] = {}

    @staticmethod
    def of(pcm: bytes) -> "Sound":
        """The sound of these samples, the same object for the same samples as long as it was used lately."""
        return _lately(pcm)

    @property
    def pcm(self) -> bytes:
        """The samples."""
        return self._pcm

    @property
    def samples(self) -> int:
        """How many."""
        return len(self._pcm) // 2

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.samples / SAMPLE_RATE

    def encoded(self, codec: Codec) -> bytes:
        """One byte a sample in the law of `codec`."""
        found = self._encoded.get(codec)
        if found is None:
            found = self._encoded[codec] = encode(numpy.frombuffer(self._pcm, dtype="<i2"), codec).tobytes()
        return found


@lru_cache(maxsize=128)
def _lately(pcm: bytes) -> Sound:
    return Sound(pcm)


def encode(pcm: Pcm, codec: Codec) -> Encoded:
    """PCM of any shape in the law of `codec`."""
    return _ENCODE[codec][pcm.view(numpy.uint16)]


def decode(encoded: Encoded, codec: Codec) -> Pcm:
    """The PCM of bytes in the law of `codec`, of any shape."""
    return DECODE[codec][encoded]


def _expand_pcmu() -> Pcm:
    code = ~numpy.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << ((code & 0x70) >> 4)) - 132
    return numpy.where(code & 0x80, -magnitude, magnitude).astype(numpy.int16)


def _expand_pcma() -> Pcm:
    code = numpy.arange(256) ^ 0x55
    exponent = (code & 0x70) >> 4
    mantissa = ((code & 0x0F) << 4) + 8
    magnitude = numpy.where(exponent == 0, mantissa, (mantissa + 256) << numpy.maximum(exponent - 1, 0))
    return numpy.where(code & 0x80, magnitude, -magnitude).astype(numpy.int16)


def _nearest(expanded: Pcm) -> Encoded:
    """For each 16-bit sample, as an unsigned index, the code whose value is next to it."""
    order = numpy.argsort(expanded, kind="stable")
    values = expanded[order].astype(numpy.int32)
    samples = numpy.arange(65536).astype(numpy.uint16).view(numpy.int16).astype(numpy.int32)
    above = numpy.clip(numpy.searchsorted(values, samples), 1, 255)
    lower_is_nearer = samples - values[above - 1] < values[above] - samples
    return order[numpy.where(lower_is_nearer, above - 1, above)].astype(numpy.uint8)


DECODE = {Codec.PCMU: _expand_pcmu(), Codec.PCMA: _expand_pcma()}
"""The PCM of each byte of a law."""
_ENCODE = {codec: _nearest(table) for codec, table in DECODE.items()}
_ENCODE[Codec.PCMU][0] = SILENCE[Codec.PCMU]
