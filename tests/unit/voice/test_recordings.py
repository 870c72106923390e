"""Recordings: every usual WAV becomes 8 kHz mono, and downloads go to public addresses only, within limits."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import numpy
import pytest

from calloff.outbound.client import Client
from calloff.outbound.guard import Guard
from calloff.voice import recordings
from calloff.voice.audio import UnusableAudio, decode_sound
from calloff.voice.cache import AudioCache
from calloff.voice.parser import parse_document
from calloff.voice.problems import ApplicationError
from calloff.voice.recordings import Recordings, RecordingUnavailable, check_recordings
from calloff.voice.web import Web
from tests.unit.voice.conftest import Uploads, wav

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


def sine(rate: int, channels: int = 1) -> "numpy.typing.NDArray[numpy.int16]":
    wave = (8000 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(rate) / rate)).astype(numpy.int16)
    return numpy.repeat(wave[:, None], channels, axis=1)


@pytest.mark.parametrize(
    ("rate", "channels", "subtype"),
    [
        (8000, 1, "PCM_16"),
        (44100, 2, "PCM_16"),
        (48000, 1, "FLOAT"),
        (16000, 1, "PCM_24"),
        (11025, 2, "PCM_U8"),
        (8000, 1, "ULAW"),
        (8000, 1, "ALAW"),
    ],
)
def test_every_usual_wav_becomes_8_khz_mono(rate: int, channels: int, subtype: str) -> None:
    sound = numpy.frombuffer(decode_sound(wav(sine(rate, channels), rate, subtype=subtype)), dtype="<i2").astype(float)
    assert abs(len(sound) - 8000) <= 8
    spectrum = numpy.abs(numpy.fft.rfft(sound))
    assert abs(int(spectrum.argmax()) * 8000 / len(sound) - 440) < 2
    assert 7500 < numpy.abs(sound[1000:7000]).max() < 8500


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"ID3 an mp3",
        b"RIFF\0\0\0\0WAVEjunk",
        wav(sine(8000))[:30],
        wav(numpy.zeros((10, 1), "int16"), 500),
    ],
)
def test_what_is_no_wav_is_refused(data: bytes) -> None:
    with pytest.raises(UnusableAudio):
        decode_sound(data)


def test_a_recording_that_is_too_long_is_refused() -> None:
    with pytest.raises(UnusableAudio, match="longer"):
        decode_sound(wav(numpy.zeros(8000 * 601, dtype=numpy.int16)))


@asynccontextmanager
async def server(answer: Answer) -> AsyncIterator[str]:
    """An HTTP server on the loopback; its address, by host name."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        try:
            await answer(request.decode(), writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://localhost:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()


async def reply(writer: asyncio.StreamWriter, status: str, body: bytes, headers: str = "") -> None:
    writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
    await writer.drain()


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[Recordings]:
    """Recordings that may be downloaded from this machine."""
    client = Client(Guard([ip_network("127.0.0.1"), ip_network("::1")]))
    yield Recordings(AudioCache(tmp_path), Web(client))
    await client.close()


async def test_a_download_asks_for_the_host_by_name_and_is_kept(local: Recordings) -> None:
    requests = []

    async def answer(request: str, writer: asyncio.StreamWriter) -> None:
        requests.append(request)
        await reply(writer, "200 OK", wav(sine(8000)))

    async with server(answer) as address:
        audio = f"{address}/greeting.wav?a=1"
        first = await local.sound(audio, Uploads().read)
        assert await local.sound(audio, Uploads().read) == first == decode_sound(wav(sine(8000)))
    (request,) = requests
    assert request.startswith("GET /greeting.wav?a=1 HTTP/1.1\r\n")
    assert f"Host: {address.removeprefix('http://')}\r\n" in request


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0177.0.0.1", "no.invalid"],
)
async def test_hosts_that_are_not_public_are_never_connected_to(tmp_path: Path, host: str) -> None:
    reached = asyncio.Event()

    async def answer(request: str, writer: asyncio.StreamWriter) -> None:
        reached.set()
        await reply(writer, "200 OK", wav(sine(8000)))

    client = Client(Guard())
    guarded = Recordings(AudioCache(tmp_path), Web(client))
    async with server(answer) as address:
        with pytest.raises(RecordingUnavailable):
            await guarded.sound(f"http://{host}:{address.rpartition(':')[2]}/a.wav", Uploads().read)
    await client.close()
    assert not reached.is_set()


async def test_redirects_errors_endless_and_slow_answers_are_refused(
    local: Recordings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def redirect(request: str, writer: asyncio.StreamWriter) -> None:
        await reply(writer, "302 Found", b"", "Location: http://127.0.0.1/\r\n")

    async def missing(request: str, writer: asyncio.StreamWriter) -> None:
        await reply(writer, "404 Not Found", b"")

    async def garbage(request: str, writer: asyncio.StreamWriter) -> None:
        await reply(writer, "200 OK", b"<html>")

    async def endless(request: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(4096))
            await writer.drain()

    async def slow(request: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            writer.write(b"R")
            await writer.drain()
            await asyncio.sleep(0.05)

    monkeypatch.setattr(recordings, "MAX_RECORDING_BYTES", 100_000)
    monkeypatch.setattr(recordings, "FETCH_SECONDS", 0.4)
    for answer in (redirect, missing, garbage, endless, slow):
        async with server(answer) as address:
            with pytest.raises((RecordingUnavailable, UnusableAudio)):
                await local.sound(f"{address}/{answer.__name__}.wav", Uploads().read)


async def test_an_uploaded_recording_is_found_by_its_name(local: Recordings) -> None:
    assert len(await local.sound("a.wav", Uploads().read)) == 960
    with pytest.raises(RecordingUnavailable, match="upload"):
        await local.sound("z.wav", Uploads().read)


def test_a_document_is_checked_for_its_recordings_when_it_is_uploaded() -> None:
    document = parse_document(
        b'<vxml version="2.1"><form><block><audio src="a.wav"/>\n'
        b'<audio src="https://example.com/x"><audio src="b.wav"/></audio></block></form></vxml>'
    )
    check_recordings(document, ["a.wav", "b.wav"])
    with pytest.raises(ApplicationError, match=r"Line 2, <audio>.*'b\.wav'"):
        check_recordings(document, ["a.wav"])
