"""Text becomes speech with the real espeak-ng, once, and a document that cannot be spoken is refused."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy
import pytest

from calloff.domain.errors import NotConfigured
from calloff.voice.cache import AudioCache
from calloff.voice.content import Manner
from calloff.voice.engines import Espeak, SpeechError
from calloff.voice.parser import parse_document
from calloff.voice.problems import ApplicationError
from calloff.voice.speech import Speech, check_speakable
from tests.unit.voice.conftest import Call

TEXT = "Your appointment is tomorrow at five."
ENGLISH = Manner("en-US")


@pytest.fixture
def cache(tmp_path: Path) -> AudioCache:
    return AudioCache(tmp_path)


@pytest.fixture
async def speech(cache: AudioCache) -> AsyncIterator[Speech]:
    speech = Speech.of_this_machine(cache)
    yield speech
    await speech.stop()


def seconds(sound: bytes) -> float:
    return len(sound) / 16000


async def test_text_is_spoken_at_8_khz_in_its_language(speech: Speech) -> None:
    english = await speech.speak(TEXT, ENGLISH, keep=True)
    samples = numpy.frombuffer(english, dtype="<i2").astype(float)
    assert 1.5 < seconds(english) < 4
    assert 500 < float(numpy.sqrt((samples**2).mean())) < 12000
    spectrum = numpy.abs(numpy.fft.rfft(samples)) ** 2
    frequencies = numpy.fft.rfftfreq(len(samples), 1 / 8000)
    assert spectrum[(frequencies > 80) & (frequencies < 1200)].sum() > 0.5 * spectrum.sum()
    assert await speech.speak(TEXT, Manner("de"), keep=True) != english
    with pytest.raises(SpeechError, match="no voice"):
        await speech.speak(TEXT, Manner("tlh-XX"), keep=True)


async def test_no_text_becomes_an_option_a_command_or_a_phoneme(speech: Speech, tmp_path: Path) -> None:
    target = tmp_path / "stolen"
    for text in (f"--help; touch {target}", f"$(touch {target})", f"-w {target}", "<b>a</b> [[h@l'oU]]", "a\0b"):
        assert seconds(await speech.speak(text, ENGLISH, keep=False)) > 0.2
    assert not target.exists()
    assert await speech.speak(" ... \n", ENGLISH, keep=False) == b""
    with pytest.raises(SpeechError, match="split"):
        await speech.speak("a" * 5001, ENGLISH, keep=False)


async def test_the_same_text_is_made_once_by_whoever_asks_first(cache: AudioCache) -> None:
    made = 0

    async def make() -> bytes:
        nonlocal made
        made += 1
        await asyncio.sleep(0.02)
        return b"sound"

    assert await asyncio.gather(*[cache.get(("x", "y"), make) for _ in range(5)]) == [b"sound"] * 5
    assert await cache.get(("xy", ""), make) == b"sound"
    assert made == 2


async def test_what_is_too_old_is_made_again_unless_that_fails(cache: AudioCache) -> None:
    async def make(sound: bytes) -> bytes:
        if not sound:
            raise ConnectionError
        return sound

    assert await cache.get(("x",), lambda: make(b"old"), max_age=60) == b"old"
    assert await cache.get(("x",), lambda: make(b"new"), max_age=60) == b"old"
    assert await cache.get(("x",), lambda: make(b""), max_age=-1) == b"old"
    assert await cache.get(("x",), lambda: make(b"new"), max_age=-1) == b"new"
    with pytest.raises(ConnectionError):
        await cache.get(("y",), lambda: make(b""))


async def test_the_cache_keeps_its_size_and_what_was_used_last(tmp_path: Path) -> None:
    cache = AudioCache(tmp_path, max_bytes=1000)

    async def make() -> bytes:
        return bytes(300)

    async def absent() -> bytes:
        raise FileNotFoundError

    for name in ("a", "b", "c"):
        await cache.get((name,), make)
    for age, path in enumerate(sorted(tmp_path.glob("*/*.s16"), key=lambda path: path.stat().st_mtime)):
        os.utime(path, (time.time() - 100 + age, path.stat().st_mtime))
    await cache.get(("a",), absent)
    await cache.get(("d",), make)
    assert await cache.get(("a",), absent) == bytes(300)
    with pytest.raises(FileNotFoundError):
        await cache.get(("b",), absent)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 1000


async def test_a_full_or_missing_disk_costs_the_cache_but_not_the_call(tmp_path: Path) -> None:
    async def make() -> bytes:
        return b"sound"

    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        (tmp_path / "file" / "x").mkdir()
    assert await AudioCache(tmp_path / "file").get(("x",), make) == b"sound"


async def test_a_document_is_checked_for_a_voice_when_it_is_uploaded(cache: AudioCache, speech: Speech) -> None:
    spoken = parse_document(
        b'<vxml version="2.1" xml:lang="de-AT"><form>\n<block>Hallo</block>\n'
        b'<block><prompt xml:lang="tlh">nuqneH</prompt></block></form></vxml>'
    )
    recorded = parse_document(b'<vxml version="2.1"><form><block><audio src="a.wav"/></block></form></vxml>')
    with pytest.raises(ApplicationError) as refused:
        await check_speakable(spoken, speech)
    assert [(problem.line, "'tlh'" in problem.message) for problem in refused.value.problems] == [(3, True)]
    mute = Speech([], cache)
    with pytest.raises(ApplicationError, match=r"Line 2.*espeak-ng"):
        await check_speakable(spoken, mute)
    await check_speakable(recorded, mute)


async def test_a_program_that_is_no_espeak_is_an_error(cache: AudioCache) -> None:
    with pytest.raises(SpeechError):
        await Speech([Espeak("/bin/false")], cache).speak("hello", ENGLISH, keep=False)


def test_a_piper_voice_without_piper_or_files_is_the_operators_to_mend(cache: AudioCache, tmp_path: Path) -> None:
    with pytest.raises(NotConfigured):
        Speech.of_this_machine(cache, tmp_path / "absent.onnx")


async def test_what_values_say_is_not_kept_for_private_calls(call: Call, tmp_path: Path) -> None:
    body = '<form><block><prompt>Hi</prompt><prompt><value expr="name"/></prompt></block></form>'
    await call.run(body, {"name": "Bo"}, private=True)
    assert len(list(tmp_path.rglob("*.s16"))) == 1
    await call.run(body, {"name": "Bo"})
    assert len(list(tmp_path.rglob("*.s16"))) == 2
    assert seconds(call.trunk.heard) > 1
