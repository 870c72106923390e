"""Synthesizes the first seconds of calls whose callee is known: people, answering machines, faxes, and neither.

`python -m tests.support.callees` measures the detector on them and writes the table of docs/telephony.md.
"""

import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy
import numpy.typing
import soxr

from calloff.domain.results import CalleeType
from calloff.voice.callee import detect

RATE = 8000
Sound = numpy.typing.NDArray[numpy.float64]

_PEOPLE = [
    "Hello?",
    "Hi.",
    "Yes?",
    "Hello, who is this?",
    "Anna speaking.",
    "Good morning, Miller.",
    "Hello, Anna Miller here.",
    "Pronto?",
    "Peter Smith, good afternoon.",
    "Hello? Hello? Is anybody there?",
    "Hang on a second. Yes, Peter Smith here, what is it?",
    "Yes hello, you are speaking to Mary.",
]
_COMPANIES = [
    "City hospital, reception, good morning.",
    "Thank you for calling Miller and sons, how may I help you?",
]
_MACHINES = [
    "Hi, you have reached Anna. I cannot come to the phone right now. Please leave a message after the tone.",
    "The person you are calling is not available. Please leave your message after the beep.",
    "Hello, this is the Miller family. We are not at home, so please call again later, or leave us a message.",
    "Welcome to the mailbox of five five five, one two three four. Please speak after the tone.",
    "Your call has been forwarded to an automated voice messaging system.",
]
_SHORT_MACHINES = ["Leave a message.", "Not here. Beep."]
_VOICES = [("en-us", 175), ("en-gb+f3", 160), ("en-us+m3", 200)]


@dataclass(frozen=True)
class Sample:
    """What is heard in the first seconds of a call."""

    kind: str
    callee: CalleeType
    sound: Sound


def corpus() -> Iterator[Sample]:
    """The samples, the same on every run; each of clean speech is there again with the noise of a poor line."""
    random = numpy.random.default_rng(20260101)
    for sample in _clean(random):
        yield sample
        if sample.callee is not CalleeType.UNKNOWN:
            loudness = float(random.uniform(0.003, 0.012))
            yield Sample(f"{sample.kind}, noisy", sample.callee, sample.sound + _noise(random, sample.sound, loudness))


def frames(sound: Sound) -> Iterator[bytes]:
    """The first four seconds as 20 ms of media each."""
    samples = (numpy.clip(sound, -1, 1) * 32767).astype("<i2")
    for start in range(0, min(len(samples), 4 * RATE) - 159, 160):
        yield samples[start : start + 160].tobytes()


def _clean(random: numpy.random.Generator) -> Iterator[Sample]:
    for index, (voice, speed) in enumerate(_VOICES):
        for delay, text in zip((0.2, 0.6, 1.2, 1.8) * 3, _PEOPLE, strict=True):
            yield Sample("person", CalleeType.VOICE, _then(delay, _speak(text, voice, speed)))
        for text in _COMPANIES:
            yield Sample("company", CalleeType.VOICE, _then(0.4, _speak(text, voice, speed)))
        for text in _MACHINES:
            yield Sample("machine", CalleeType.ANSWERING_MACHINE, _then(0.3 + 0.3 * index, _speak(text, voice, speed)))
        for text, beep in zip(_SHORT_MACHINES, (1000, 1400), strict=True):
            sound = numpy.concatenate([_speak(text, voice, speed), _silence(0.2), _tone(beep, 0.4)])
            yield Sample("short machine with beep", CalleeType.ANSWERING_MACHINE, _then(0.3, sound))
    for beep in (440, 850, 1400):
        yield Sample("beep only", CalleeType.ANSWERING_MACHINE, _then(0.8, _tone(beep, 0.5)))
    for loudness in (0.05, 0.2, 0.5):
        yield Sample("fax answers (CED)", CalleeType.FAX, _then(0.5 - loudness, _tone(2100, 2.8, loudness)))
        yield Sample("fax answers (ANSam)", CalleeType.FAX, _then(0.3, _answer_tone(loudness)))
        yield Sample("fax calls (CNG)", CalleeType.FAX, _then(1.0, _tone(1100, 0.5, loudness)))
    yield Sample("silence", CalleeType.UNKNOWN, _silence(4))
    for loudness in (0.001, 0.003, 0.01, 0.03):
        yield Sample("noise", CalleeType.UNKNOWN, _noise(random, _silence(4), loudness))
    yield Sample("hum", CalleeType.UNKNOWN, _tone(50, 4, 0.02))
    yield Sample("click", CalleeType.UNKNOWN, _then(1, 0.5 * _noise(random, _silence(0.02), 1)))
    yield Sample("ringback", CalleeType.UNKNOWN, _then(0, _tone(440, 2, 0.1) + _tone(480, 2, 0.1)))
    yield Sample("music", CalleeType.UNKNOWN, numpy.concatenate([_chord(root) for root in (262, 349, 392, 262) * 2]))


@cache
def _speak(text: str, voice: str, speed: int) -> Sound:
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-z", "--stdin", "--stdout"]
    wav = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout
    samples = numpy.frombuffer(wav[44:], dtype="<i2").astype(numpy.float64) / 32768
    spoken: Sound = soxr.resample(samples, 22050, RATE)
    louder: Sound = spoken / numpy.abs(spoken).max() * 0.4
    return louder


def _then(delay: float, sound: Sound) -> Sound:
    """`sound` after a silence, and silence up to four seconds."""
    return numpy.concatenate([_silence(delay), sound, _silence(4)])[: 4 * RATE]


def _silence(seconds: float) -> Sound:
    return numpy.zeros(int(seconds * RATE))


def _tone(frequency: float, seconds: float, loudness: float = 0.3) -> Sound:
    tone: Sound = loudness * numpy.sin(2 * numpy.pi * frequency * numpy.arange(int(seconds * RATE)) / RATE)
    return tone


def _chord(root: float) -> Sound:
    chord: Sound = sum((_tone(root * interval, 0.5, 0.1) for interval in (1, 1.26, 1.5, 2)), _silence(0.5))
    return chord


def _answer_tone(loudness: float) -> Sound:
    """2100 Hz, 15 Hz amplitude modulation, the phase reversed every 450 ms (ITU-T V.8)."""
    time = numpy.arange(int(3.3 * RATE)) / RATE
    phase = numpy.pi * numpy.floor(time / 0.45)
    tone: Sound = loudness * (1 + 0.2 * numpy.sin(2 * numpy.pi * 15 * time)) * numpy.sin(4200 * numpy.pi * time + phase)
    return tone


def _noise(random: numpy.random.Generator, like: Sound, loudness: float) -> Sound:
    return random.normal(0, loudness, len(like))


DOCUMENT = Path(__file__).parents[2] / "docs" / "telephony.md"
_BEGIN, _END = "<!-- callees: begin -->\n", "<!-- callees: end -->\n"
_ANSWERS = [CalleeType.VOICE, CalleeType.ANSWERING_MACHINE, CalleeType.FAX, CalleeType.UNKNOWN]


def confusion() -> Counter[tuple[str, CalleeType, CalleeType]]:
    """How often what was heard (kind, right answer) was taken for what."""
    return Counter((sample.kind, sample.callee, detect(frames(sample.sound))) for sample in corpus())


def table(counts: Counter[tuple[str, CalleeType, CalleeType]]) -> str:
    """The counts in Markdown, with the version of the program that spoke."""
    version = subprocess.run(["espeak-ng", "--version"], capture_output=True, check=True, text=True).stdout
    lines = [
        f"Measured with the voices of eSpeak NG {version.split()[3]}:\n",
        "| what is heard | right answer | " + " | ".join(f"`{answer}`" for answer in _ANSWERS) + " |",
        "|---|---|" + "---:|" * len(_ANSWERS),
    ]
    for kind, callee in dict.fromkeys((kind, callee) for kind, callee, _ in counts):
        cells = " | ".join(str(counts[kind, callee, answer] or "") for answer in _ANSWERS)
        lines.append(f"| {kind} | `{callee}` | {cells} |")
    return "\n".join(lines) + "\n"


def documented() -> str:
    """The table that the documentation shows."""
    return DOCUMENT.read_text().partition(_BEGIN)[2].partition(_END)[0]


def main() -> None:
    """Write the table into the documentation."""
    before, begin, rest = DOCUMENT.read_text().partition(_BEGIN)
    DOCUMENT.write_text(before + begin + table(confusion()) + _END + rest.partition(_END)[2])


if __name__ == "__main__":
    main()
