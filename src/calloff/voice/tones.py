"""Measures tones in a few milliseconds of sound; samples are from -1 to 1 at 8 kHz."""

import math

import numpy
import numpy.typing

from calloff.trunks.base import SAMPLE_RATE

Samples = numpy.typing.NDArray[numpy.float64]

_SINGLE = 0.85
_LOWEST, _HIGHEST = 350.0, 2600.0


def level(samples: Samples) -> float:
    """Decibels below full scale: 0 is a full square wave, silence is -infinity."""
    power = float(numpy.mean(samples * samples))
    return 10 * math.log10(power) if power > 0 else -math.inf


def tone_share(samples: Samples, frequency: float) -> float:
    """The share (0 to 1) of the sound's energy that is a tone of `frequency` Hz, by Goertzel's algorithm."""
    coefficient = 2 * math.cos(2 * math.pi * frequency / SAMPLE_RATE)
    last, before = 0.0, 0.0
    for sample in samples.tolist():
        last, before = sample + coefficient * last - before, last
    energy = float(numpy.sum(samples * samples))
    if energy == 0:
        return 0.0
    power = last * last + before * before - coefficient * last * before
    return min(1.0, 2 * power / (len(samples) * energy))


def single_tone(samples: Samples) -> float | None:
    """The frequency in Hz, to about 50 Hz, if the sound is one steady tone such as a beep; None if it is not."""
    power = numpy.abs(numpy.fft.rfft(samples * numpy.hanning(len(samples)))) ** 2
    total = float(power.sum())
    peak = int(power.argmax())
    frequency = peak * SAMPLE_RATE / len(samples)
    if total == 0 or not _LOWEST <= frequency <= _HIGHEST:
        return None
    share = float(power[max(peak - 2, 0) : peak + 3].sum()) / total
    return frequency if share >= _SINGLE else None
