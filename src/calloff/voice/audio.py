"""Turns recordings into what a trunk takes: 8 kHz, 16-bit signed little-endian, one channel."""

import io

import numpy
import numpy.typing
import soundfile
import soxr

from calloff.domain.errors import InvalidInput
from calloff.trunks.base import SAMPLE_RATE

MAX_RECORDING_BYTES = 32 * 1024 * 1024
"""Longest WAV that is read."""
MAX_RECORDING_SECONDS = 600.0

BYTES_PER_SECOND = SAMPLE_RATE * 2


class UnusableAudio(InvalidInput):
    """A recording is no WAV, is broken, or is too long."""


def decode_wav(data: bytes) -> bytes:
    """The sound of a WAV file of any rate, width and number of channels (PCM, float, A-law, mu-law), for a trunk.

    Takes CPU for long recordings, so call it in a thread. Raises `UnusableAudio`.
    """
    if len(data) > MAX_RECORDING_BYTES:
        raise UnusableAudio(f"The recording has more than {MAX_RECORDING_BYTES} bytes; shorten it.")
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise UnusableAudio("The recording is no WAV file; convert it to WAV.")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate = int(file.samplerate)
            limit = int(rate * MAX_RECORDING_SECONDS)
            samples = file.read(limit + 1, dtype="int16", always_2d=True)
    except (soundfile.SoundFileError, ValueError, TypeError):
        raise UnusableAudio("The recording cannot be decoded; save it as WAV again.") from None
    if len(samples) > limit:
        raise UnusableAudio(f"The recording is longer than {MAX_RECORDING_SECONDS:.0f} s; shorten it.")
    return for_trunk(samples.mean(axis=1).astype(numpy.int16), rate)


def for_trunk(samples: numpy.typing.NDArray[numpy.int16], rate: int) -> bytes:
    """One channel of `rate` samples a second (1 to 384 kHz), resampled. Raises `UnusableAudio`."""
    if not 1000 <= rate <= 384_000:
        raise UnusableAudio(f"The recording has {rate} samples a second; convert it to 8000.")
    resampled = samples if rate == SAMPLE_RATE else soxr.resample(samples, rate, SAMPLE_RATE)
    return bytes(resampled.astype("<i2").tobytes())


def silence(seconds: float) -> bytes:
    """Silence for a trunk."""
    return bytes(2 * round(seconds * SAMPLE_RATE))
