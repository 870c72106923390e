"""A call on the loopback trunk, its media, and recordings that can be told apart by what is heard."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import numpy
import pytest
import soundfile

from calloff.outbound.client import Client
from calloff.outbound.guard import Guard
from calloff.trunks.base import Connected
from calloff.voice.cache import AudioCache
from calloff.voice.expressions import Evaluator
from calloff.voice.interpreter import CallInfo, Limits, Outcome, run
from calloff.voice.line import Line
from calloff.voice.parser import parse_document
from calloff.voice.prompts import Media
from calloff.voice.recordings import Recordings
from calloff.voice.speech import Speech
from calloff.voice.web import Web
from tests.support.loopback import LoopbackTrunk
from tests.support.permits import permit

RATE = 8000
CLOSINGS = {"en": "Bye.", "de": "Ade."}
"""What is said when an application fails; shorter than what Calloff says by itself, for the tests to be quick."""


def wav(samples: "numpy.typing.NDArray[numpy.int16]", rate: int = RATE, **options: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", **options)
    return file.getvalue()


def steady(value: int, seconds: float = 0.06) -> bytes:
    """Sound for a trunk in which every sample is `value`."""
    return numpy.full(int(RATE * seconds), value, dtype="<i2").tobytes()


@dataclass
class Uploads:
    """Recordings by name: `a.wav` is 100, `b.wav` 200 and so on, 60 ms each; `long.wav` is 5 s of 9000."""

    files: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, letter in enumerate("abcdefgh", 1):
            self.files[f"{letter}.wav"] = wav(numpy.full(int(RATE * 0.06), 100 * index, dtype=numpy.int16))
        self.files["long.wav"] = wav(numpy.full(RATE * 5, 9000, dtype=numpy.int16))

    async def read(self, name: str) -> bytes | None:
        return self.files.get(name)


def names_of(heard: bytes) -> str:
    """The letters of the recordings in what was heard, in order; `-` for silence, `*` for `long.wav`, `?` else."""
    letters = {0: "-", 9000: "*"} | {100 * index: letter for index, letter in enumerate("abcdefgh", 1)}
    values = numpy.frombuffer(heard, dtype="<i2").tolist()
    changes = [value for value, before in zip(values, [None, *values], strict=False) if value != before]
    return "".join(letters.get(value, "?") for value in changes)


@dataclass
class Call:
    """One answered call, on which documents run."""

    trunk: LoopbackTrunk
    line: Line
    media: Media
    uploads: Uploads

    async def run(
        self,
        body: str,
        variables: dict[str, str] | None = None,
        *,
        private: bool = False,
        limits: Limits | None = None,
        head: str = "",
    ) -> Outcome:
        """What becomes of a document; `head` are attributes of its root."""
        document = parse_document(f'<vxml version="2.1" {head}>\n{body}\n</vxml>'.encode())
        info = CallInfo(
            "7", variables or {}, "+15551230000", "+15557654321", private, closings=CLOSINGS, limits=limits or Limits()
        )
        return await run(document, self.line, info, self.media, self.uploads.read)


@pytest.fixture(scope="session")
def decoded(tmp_path_factory: pytest.TempPathFactory) -> AudioCache:
    """The recordings of `Uploads`, decoded once for all tests."""
    return AudioCache(tmp_path_factory.mktemp("decoded"))


@pytest.fixture
async def media(tmp_path: Path, decoded: AudioCache) -> AsyncIterator[Media]:
    cache = AudioCache(tmp_path / "audio")
    client = Client(Guard([ip_network("127.0.0.1"), ip_network("::1")]))
    web = Web(client)
    speech = Speech.of_this_machine(cache)
    async with Evaluator() as evaluator:
        yield Media(speech, Recordings(decoded, web), evaluator, web)
    await speech.stop()
    await client.close()


@pytest.fixture
async def call(media: Media) -> AsyncIterator[Call]:
    trunk = LoopbackTrunk()
    leg = await trunk.dial(permit("+15551230000"))
    connected = await leg.next_event()
    assert isinstance(connected, Connected)
    async with Line(trunk, leg, connected) as line:
        yield Call(trunk, line, media, Uploads())
