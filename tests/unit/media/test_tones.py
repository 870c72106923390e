"""Keys that are heard in the sound: each of them, once a press, and none in what people say."""

import numpy
import pytest

from calloff.media.sound import Codec, Pcm, decode
from calloff.media.telephone_events import COLUMNS, EVENT_KEYS, KEYPAD, ROWS, tone_of
from calloff.media.tones import KeyDetectors

FRAME = 160
RATE = 8000


def heard_in(sound: Pcm) -> str:
    """The keys that a call hears, in the middle of three; the others hear silence."""
    detectors = KeyDetectors(3)
    rows, keys = numpy.array([0, 2, 1]), ""
    padded = numpy.concatenate((sound, numpy.zeros(-len(sound) % FRAME, numpy.int16)))
    for frame in padded.reshape(-1, FRAME):
        pcm = numpy.zeros((3, FRAME), numpy.int16)
        pcm[2] = frame
        for place, key in detectors.hear(rows, pcm):
            assert place == 2
            keys += key
    return keys


def silence(seconds: float) -> Pcm:
    return numpy.zeros(int(seconds * RATE), numpy.int16)


def tone(key: str, seconds: float, *, low: float = 3000, high: float = 3000, off: float = 1.0) -> Pcm:
    """A key; `off` is how much too high both tones are."""
    row = next(index for index, keys in enumerate(KEYPAD) if key in keys)
    at = numpy.arange(int(seconds * RATE)) * (2 * numpy.pi / RATE) * off
    column = KEYPAD[row].index(key)
    sound = low * numpy.sin(ROWS[row] * at) + high * numpy.sin(COLUMNS[column] * at)
    return numpy.asarray(sound, numpy.int16)


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize("start", [0.0, 0.003, 0.013])
def test_what_we_send_as_tones_is_heard(codec: Codec, start: float) -> None:
    sound = [silence(start)]
    for key in EVENT_KEYS + "11":
        sound += [decode(numpy.frombuffer(tone_of(key, codec), numpy.uint8), codec), silence(0.08)]
    assert heard_in(numpy.concatenate(sound)) == EVENT_KEYS + "11"


@pytest.mark.parametrize("start", [0.0, 0.004, 0.011, 0.017])
@pytest.mark.parametrize(
    ("low", "high", "off"),
    [
        (3000, 3000, 1.0),
        (300, 300, 1.0),
        (12000, 12000, 1.0),
        (3000, 1300, 1.0),
        (1300, 3000, 1.0),
        (3000, 3000, 1.015),
    ],
)
def test_keys_of_forty_milliseconds_are_heard_as_q24_has_it(start: float, low: float, high: float, off: float) -> None:
    sound = numpy.concatenate((silence(start), tone("5", 0.04, low=low, high=high, off=off), silence(0.04)))
    assert heard_in(numpy.concatenate((sound, sound))) == "55"


@pytest.mark.parametrize("start", [0.0, 0.004, 0.009, 0.014])
def test_a_click_of_two_tones_is_no_key(start: float) -> None:
    assert heard_in(numpy.concatenate((silence(start), tone("5", 0.018), silence(0.1)))) == ""


def test_a_long_key_is_one_press_and_a_flaw_in_it_changes_nothing() -> None:
    long = tone("7", 1.0)
    long[4000:4040] = 0
    assert heard_in(long) == "7"


@pytest.mark.parametrize("hertz", [440, 697, 1000, 1336, 2100])
def test_one_tone_is_no_key(hertz: int) -> None:
    assert heard_in((6000 * numpy.sin(numpy.arange(RATE) * (2 * numpy.pi * hertz / RATE))).astype(numpy.int16)) == ""


def test_dial_tones_ringing_and_noise_are_no_keys() -> None:
    at = numpy.arange(2 * RATE) * (2 * numpy.pi / RATE)
    chance = numpy.random.default_rng(5)
    for pair in ((350, 440), (440, 480), (480, 620), (697, 770), (1209, 1336), (900, 1300)):
        assert heard_in((4000 * sum(numpy.sin(each * at) for each in pair)).astype(numpy.int16)) == ""
    assert heard_in(chance.normal(0, 3000, 20 * RATE).astype(numpy.int16)) == ""


def test_a_key_under_noise_is_still_heard() -> None:
    chance = numpy.random.default_rng(6)
    sound = numpy.concatenate([piece for key in "159#" for piece in (tone(key, 0.1), silence(0.1))])
    assert heard_in((sound + chance.normal(0, 300, len(sound))).astype(numpy.int16)) == "159#"
