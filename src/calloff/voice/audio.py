"""Turns recordings into what a trunk takes: 8 kHz, 16-bit signed little-endian, one channel."""

import asyncio
import io
import os
import sys
from collections.abc import Iterator

import numpy
import numpy.typing
import soundfile
import soxr

from calloff.domain.errors import InvalidInput
from calloff.trunks.base import SAMPLE_RATE

MAX_RECORDING_BYTES = 32 * 1024 * 1024
"""Longest file that is read."""
MAX_RECORDING_SECONDS = 600.0
MAX_SAMPLES = 64_000_000
"""Samples of all channels together that are decoded."""
BYTES_PER_SECOND = SAMPLE_RATE * 2

_FORMATS = frozenset({"WAV", "WAVEX", "MP3", "MPEG", "OGG", "FLAC", "AIFF", "AU"})
_BLOCK = 65_536
_SECONDS = 60.0
"""Time for a recording to be decoded."""
_PROGRAM = ("-P", "-m", "calloff.voice.decoder")
_AT_ONCE = 2
"""Recordings that are decoded at the same time."""
_ENVIRONMENT = ("PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH")

Samples = numpy.typing.NDArray[numpy.int16]


class UnusableAudio(InvalidInput):
    """A recording is no sound file, is broken, or is too long."""


class Decoder:
    """Decodes recordings in processes of their own, which a file that somebody made up may cost their life."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def decode(self, data: bytes) -> bytes:
        """The sound of a WAV, MP3, Ogg, FLAC, AIFF or AU file, for a trunk. Raises `UnusableAudio`."""
        check_size(data)
        async with self._places:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *_PROGRAM),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
            )
            try:
                async with asyncio.timeout(_SECONDS):
                    sound, reason = await process.communicate(data)
            except TimeoutError:
                raise UnusableAudio("The recording takes too long to decode; save it as WAV.") from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode == 0:
            return sound
        told = reason.decode(errors="replace").strip()
        raise UnusableAudio(
            told if process.returncode == 3 else "The recording cannot be decoded; save it as WAV again."
        )


def check_size(data: bytes) -> None:
    """Raises `UnusableAudio` for a file that is too large to be looked at."""
    if len(data) > MAX_RECORDING_BYTES:
        raise UnusableAudio(f"The recording has more than {MAX_RECORDING_BYTES} bytes; shorten it.")


def decode_sound(data: bytes) -> bytes:
    """What `Decoder` does, in this process: only for sound that a program of this machine made."""
    check_size(data)
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, frames = int(file.samplerate), int(file.frames)
            _check(str(file.format), rate, frames, int(file.channels))
            return b"".join(_for_trunk(file, rate))
    except (soundfile.SoundFileError, ValueError, TypeError):
        raise UnusableAudio("The recording is no sound file; save it as WAV, MP3, Ogg or FLAC.") from None


def _check(kind: str, rate: int, frames: int, channels: int) -> None:
    """Whether a file may be decoded, by what its header says."""
    if kind not in _FORMATS:
        raise UnusableAudio(f"Recordings of the kind {kind} are not read; save it as WAV, MP3, Ogg or FLAC.")
    if not 1000 <= rate <= 384_000:
        raise UnusableAudio(f"The recording has {rate} samples a second; convert it to 8000.")
    if frames > rate * MAX_RECORDING_SECONDS or frames * channels > MAX_SAMPLES:
        raise UnusableAudio(
            f"The recording is longer than {MAX_RECORDING_SECONDS:.0f} s or {MAX_SAMPLES} samples; shorten it."
        )


def _for_trunk(file: soundfile.SoundFile, rate: int) -> Iterator[bytes]:
    """The sound in blocks, so that memory does not grow with the file; never more of it than the header said."""
    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="int16")
    left = int(file.frames)
    while left > 0:
        samples = file.read(min(_BLOCK, left), dtype="int16", always_2d=True)
        left -= len(samples)
        if len(samples) == 0:
            break
        mixed = samples.mean(axis=1).astype(numpy.int16)
        yield mixed.astype("<i2").tobytes() if rate == SAMPLE_RATE else _bytes(stream.resample_chunk(mixed))
    if rate != SAMPLE_RATE:
        yield _bytes(stream.resample_chunk(numpy.zeros(0, dtype=numpy.int16), last=True))


def for_trunk(samples: Samples, rate: int) -> bytes:
    """One channel of `rate` samples a second, resampled."""
    return _bytes(samples if rate == SAMPLE_RATE else soxr.resample(samples, rate, SAMPLE_RATE))


def louder(sound: bytes, factor: float) -> bytes:
    """Sound for a trunk, `factor` times as loud."""
    if factor == 1.0:
        return sound
    samples = numpy.frombuffer(sound, dtype="<i2").astype(numpy.float64) * factor
    return _bytes(numpy.clip(samples, -32768, 32767))


def silence(seconds: float) -> bytes:
    """Silence for a trunk."""
    return bytes(2 * round(seconds * SAMPLE_RATE))


def beeps() -> bytes:
    """Three falling beeps: what is heard where nothing can be said."""
    time = numpy.arange(int(0.25 * SAMPLE_RATE)) / SAMPLE_RATE
    tones = [_bytes(8000 * numpy.sin(2 * numpy.pi * tone * time)) + silence(0.1) for tone in (950, 800, 650)]
    return b"".join(tones)


def _bytes(samples: "numpy.typing.NDArray[numpy.generic]") -> bytes:
    return bytes(samples.astype("<i2").tobytes())
