"""Keys in the sound (ITU-T Q.23, Q.24), for far ends that send no events of them: for all calls at once, a row a call.

Every 10 ms the last 20 ms are looked at. They hold a key if one tone of each group carries nearly all of what is heard,
each about as strong as the other; a key is pressed once two looks in a row find it, and is up after three that do not.
"""

import numpy

from calloff.media.rtp import Bits, Counts
from calloff.media.sound import FRAME_SAMPLES, SAMPLE_RATE, Pcm
from calloff.media.telephone_events import COLUMNS, KEYPAD, ROWS

_HOP = FRAME_SAMPLES // 2
_QUIETEST = 100.0
"""The least mean amplitude of a key: about -50 dBm0."""
_SHARE = 0.8
"""Of what is heard, at least so much has to be the two tones."""
_TWIST = 10 ** (9 / 10)
"""How much stronger one of the two may be, as a ratio of powers."""
_OFF = (0.988, 1.0, 1.012)
"""How far the tones may be off, in steps that are looked at; 1.5 % have to be heard."""
_LOOKS = 3
_NONE = -1
_AT = numpy.arange(FRAME_SAMPLES) * (2 * numpy.pi / SAMPLE_RATE)
_TONES = len(ROWS) + len(COLUMNS)
_HERTZ = numpy.outer(_OFF, (*ROWS, *COLUMNS)).ravel()
_WAVES = numpy.concatenate([wave(numpy.outer(_AT, _HERTZ)) for wave in (numpy.cos, numpy.sin)], axis=1)
_WAVES = _WAVES.astype(numpy.float32)


class KeyDetectors:
    """What was heard lately in each row."""

    def __init__(self, rows: int) -> None:
        self._tail = numpy.zeros((rows, _HOP), numpy.int16)
        self._found, self._down = (numpy.full(rows, _NONE, numpy.int64) for _ in range(2))
        """The key that the last look has found, and the one that is down, as places on the keypad."""
        self._missed = numpy.zeros(rows, numpy.int64)
        """Looks in a row that have not found the one that is down."""

    def open(self, row: int) -> None:
        """Begin with silence."""
        self._tail[row] = 0
        self._found[row] = self._down[row] = _NONE

    def hear(self, rows: Counts, pcm: Pcm) -> list[tuple[int, str]]:
        """Take 20 ms of each of `rows`; the keys that went down in it, each with its place in `rows`."""
        both = numpy.concatenate((self._tail[rows], pcm), axis=1)
        self._tail[rows] = pcm[:, -_HOP:]
        pressed: list[tuple[int, str]] = []
        for start in (0, _HOP):
            now, before, down = _keys_in(both[:, start : start + FRAME_SAMPLES]), self._found[rows], self._down[rows]
            goes_down: Bits = (now == before) & (now != _NONE) & (now != down)
            missed = self._missed[rows] = numpy.where(goes_down | (now == down), 0, self._missed[rows] + 1)
            self._down[rows] = numpy.where(goes_down, now, numpy.where(missed >= _LOOKS, _NONE, down))
            self._found[rows] = now
            for at in numpy.flatnonzero(goes_down).tolist():
                row, column = divmod(int(now[at]), len(COLUMNS))
                pressed.append((at, KEYPAD[row][column]))
        return pressed


def _keys_in(windows: Pcm) -> Counts:
    """For each window the place of its key on the keypad, or none."""
    samples = windows.astype(numpy.float32)
    waves = samples @ _WAVES
    powers = (waves[:, : len(_HERTZ)] ** 2 + waves[:, len(_HERTZ) :] ** 2) * (2 / FRAME_SAMPLES)
    powers = powers.reshape(-1, len(_OFF), _TONES).max(axis=1)
    lows, highs = powers[:, : len(ROWS)], powers[:, len(ROWS) :]
    low, high = lows.max(axis=1), highs.max(axis=1)
    energy = (samples**2).sum(axis=1)
    is_key = (
        (energy > FRAME_SAMPLES * _QUIETEST**2)
        & (low + high > _SHARE * energy)
        & (low < high * _TWIST)
        & (high < low * _TWIST)
    )
    keys: Counts = numpy.where(is_key, lows.argmax(axis=1) * len(COLUMNS) + highs.argmax(axis=1), _NONE)
    return keys
