"""The engine's own process, on real sockets: whom it hears, and what it does with what nobody should send."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

import numpy
import pytest
from pylibsrtp import Policy
from pylibsrtp import Session as Srtp

from calloff.media import rtcp
from calloff.media.agreement import Address, Agreement, MediaSettings, SrtpKey, SrtpProfile
from calloff.media.client import MediaEngine
from calloff.media.events import Closed, Key, Latched, Lost, Measured, MediaEvent, NoMedia, Recorded, Statistics
from calloff.media.reception import Reception
from calloff.media.session import Session
from calloff.media.sound import Codec, Sound, decode, encode
from calloff.media.telephone_events import tone_of

_EVENTS = 101
_SECONDS = 30.0
SILENCE_OF_A_KEY = b"\xff" * 800
E = TypeVar("E", bound=MediaEvent)


class Peer:
    """Somebody with a socket who sends RTP; `host` is an address of loopback."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.address = Address(*self.socket.getsockname())
        self.protect: Callable[[bytes], bytes] = bytes
        self._sequence = 100
        self._timestamp = 1000

    def send(self, port: int, kind: int, payload: bytes) -> None:
        """Send one packet to a port of the engine's."""
        self._sequence += 1
        header = struct.pack("!BBHII", 0x80, kind, self._sequence, self._timestamp, 77)
        self.socket.sendto(self.protect(header + payload), ("127.0.0.1", port))

    def pass_by(self, samples: int, *, was_sent: bool) -> None:
        """Let the stream go on; a packet that was not sent is lost."""
        self._timestamp += samples
        self._sequence += not was_sent

    def say_nothing(self, packets: int) -> None:
        """Lose sound on its way."""
        for _ in range(packets):
            self.pass_by(160, was_sent=False)

    def say(self, port: int, packets: int = 1) -> None:
        """Send sound."""
        for _ in range(packets):
            self.send(port, 0, b"\x55" * 160)
            self._timestamp += 160

    def press(self, port: int, key: int) -> None:
        """Press a key, with its end thrice."""
        for flags, duration in ((10, 160), (10, 480), (0x8A, 800), (0x8A, 800), (0x8A, 800)):
            self.send(port, _EVENTS, struct.pack("!BBH", key, flags, duration))
        self._timestamp += 1600


class Call:
    """A session and its events."""

    def __init__(self, engine: MediaEngine) -> None:
        self.events: list[MediaEvent] = []
        self._came = asyncio.Event()
        self.session: Session = engine.open(self._take)

    def _take(self, event: MediaEvent) -> None:
        self.events.append(event)
        self._came.set()

    async def wait(self, kind: type[E]) -> E:
        """The first event of a kind."""
        async with asyncio.timeout(_SECONDS):
            while True:
                self._came.clear()
                if found := [event for event in self.events if isinstance(event, kind)]:
                    return found[0]
                await self._came.wait()

    async def close(self) -> Statistics:
        """End it; what it has counted."""
        self.session.close()
        return (await self.wait(Closed)).statistics

    @property
    def keys(self) -> str:
        """Those that were pressed."""
        return "".join(event.key for event in self.events if isinstance(event, Key))


@pytest.fixture
async def engine() -> AsyncIterator[MediaEngine]:
    """A running one."""
    started = MediaEngine(MediaSettings("127.0.0.1"))
    await started.start()
    yield started
    await started.stop()


MakePeer = Callable[..., Peer]


@pytest.fixture
def peer() -> Iterator[MakePeer]:
    """Makes peers, and closes them."""
    with ExitStack() as stack:

        def make(host: str = "127.0.0.1") -> Peer:
            made = Peer(host)
            stack.enter_context(made.socket)
            return made

        yield make


def agreed(far: Peer) -> Agreement:
    """What is agreed with a far end whose media come from where its SDP says."""
    return Agreement(remote=far.address, event_payload=_EVENTS, sources=("127.0.0.1/32",))


async def _heard_by(far: Peer, packets: int = 1) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_SECONDS):
        for _ in range(packets):
            await loop.sock_recv(far.socket, 2048)


async def test_a_stranger_that_sprays_every_port_presses_no_key_and_is_not_spoken_to(
    engine: MediaEngine, peer: MakePeer
) -> None:
    calls, far, stranger = [Call(engine) for _ in range(4)], peer(), peer("127.0.0.2")
    for call in calls:
        call.session.update(agreed(far))
    await _heard_by(far, 8)
    for _ in range(3):
        for call in calls:
            for port in (call.session.port, call.session.rtcp_port):
                for _ in range(20):
                    stranger.press(port, 9)
                    stranger.say(port)
        await _heard_by(far, 20)
    for call in calls:
        far.press(call.session.port, 1)
        await call.wait(Key)
        stranger.press(call.session.port, 9)
        far.press(call.session.port, 2)
    await _heard_by(far, 40)
    counted = [await call.close() for call in calls]
    assert [call.keys for call in calls] == ["12"] * 4
    assert [await call.wait(Latched) for call in calls] == [Latched(*far.address)] * 4
    assert all(statistics.packets_received == 10 for statistics in counted)
    with pytest.raises(BlockingIOError):
        stranger.socket.recv(2048)


async def test_garbage_ends_no_call_and_is_counted(engine: MediaEngine, peer: MakePeer) -> None:
    call, far = Call(engine), peer()
    call.session.update(agreed(far))
    far.say(call.session.port)
    await call.wait(Latched)
    garbage = [
        b"",
        b"\x80",
        b"\x00" * 12,
        b"\xff" * 1400,
        b"\x9f" + b"\xff" * 15,
        b"\xb0" + b"\x00" * 40,
        os.urandom(2000),
    ]
    for data in garbage:
        far.socket.sendto(data, ("127.0.0.1", call.session.port))
        far.socket.sendto(data, ("127.0.0.1", call.session.rtcp_port))
    far.press(call.session.port, 5)
    assert (await call.wait(Key)).key == "5"
    assert (await call.close()).bad >= 5


async def test_what_is_not_encrypted_with_the_agreed_key_is_not_heard(engine: MediaEngine, peer: MakePeer) -> None:
    call, far, forger = Call(engine), peer(), peer()
    right, wrong = os.urandom(30), os.urandom(30)
    suite = SrtpProfile.AES_CM_128_HMAC_SHA1_80
    call.session.update(
        replace(agreed(far), send_key=SrtpKey(suite, os.urandom(30)), receive_key=SrtpKey(suite, right))
    )
    for sender, key in ((far, right), (forger, wrong)):
        policy = Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=Policy.SRTP_PROFILE_AES128_CM_SHA1_80)
        sender.protect = Srtp(policy).protect
    forger.press(call.session.port, 9)
    plain = peer()
    plain.press(call.session.port, 8)
    far.press(call.session.port, 1)
    assert (await call.wait(Key)).key == "1"
    assert (await call.close()).bad == 10
    assert call.keys == "1"


async def test_a_far_end_that_falls_silent_is_told_of_once(engine: MediaEngine, peer: MakePeer) -> None:
    call, far = Call(engine), peer()
    call.session.update(agreed(far))
    call.session.watch(0.3)
    far.say(call.session.port)
    assert (await call.wait(NoMedia)).seconds >= 0.3
    await _heard_by(far, 40)
    assert sum(isinstance(event, NoMedia) for event in call.events) == 1


async def test_an_engine_that_is_killed_loses_its_calls_and_a_new_one_takes_others(
    engine: MediaEngine, peer: MakePeer
) -> None:
    call, far = Call(engine), peer()
    call.session.update(agreed(far))
    await _heard_by(far)
    assert engine.process_id is not None
    os.kill(engine.process_id, 9)
    await call.wait(Lost)
    async with asyncio.timeout(_SECONDS):
        while not engine.is_running:
            await asyncio.sleep(0.05)
    again = Call(engine)
    again.session.update(agreed(far))
    again.session.play(Sound(b"\x00\x40" * 800))
    far.press(again.session.port, 3)
    assert (await again.wait(Key)).key == "3"
    assert engine.deaths == 1


async def test_a_key_is_heard_in_the_sound_of_a_far_end_that_sends_no_events(
    engine: MediaEngine, peer: MakePeer
) -> None:
    """And only there: who has agreed on events plays tones that press nothing."""
    with_events, without = Call(engine), Call(engine)
    far = [peer(), peer()]
    with_events.session.update(agreed(far[0]))
    without.session.update(replace(agreed(far[1]), event_payload=None))
    sound = (SILENCE_OF_A_KEY + tone_of("5", Codec.PCMU)) * 2 + SILENCE_OF_A_KEY
    begun = asyncio.get_running_loop().time()
    for start in range(0, len(sound), 160):
        for call, each in zip((with_events, without), far, strict=True):
            each.send(call.session.port, 0, sound[start : start + 160])
            each.pass_by(160, was_sent=True)
        # On time on the whole, whatever kept this loop from its turn.
        await asyncio.sleep(begun + (start + 160) / 8000 - asyncio.get_running_loop().time())
    assert await without.wait(Key) == Key("5", in_sound=True)
    far[0].press(with_events.session.port, 8)
    assert (await with_events.wait(Key)).key == "8"
    await without.close()
    assert (with_events.keys, without.keys) == ("8", "55")


async def _report(port: Peer) -> bytes:
    async with asyncio.timeout(_SECONDS):
        return await asyncio.get_running_loop().sock_recv(port.socket, 2048)


async def test_both_ends_tell_each_other_how_their_streams_fare(engine: MediaEngine, peer: MakePeer) -> None:
    """Of a far end's report, what it misses and how long it was on its way; to it, what it lost, and a goodbye."""
    call, far, reports, stranger = Call(engine), peer(), peer(), peer("127.0.0.2")
    call.session.update(replace(agreed(far), remote_rtcp=reports.address))
    far.say(call.session.port, 3)
    far.say_nothing(2)
    far.say(call.session.port, 3)
    ours = await _report(reports)
    assert ours[1] == rtcp.SENDER_REPORT
    [ssrc] = struct.unpack_from("!I", ours, 4)
    [source, losses] = struct.unpack_from("!II", ours, 28)
    assert (source, losses & 0xFFFFFF) == (77, 2)
    middle = struct.unpack_from("!Q", ours, 8)[0] >> 16 & 0xFFFFFFFF

    def answer(lost: int) -> bytes:
        heard = Reception(ssrc=ssrc, fraction_lost=0, lost=lost, highest=1, jitter=16)
        return rtcp.build(
            ssrc=77, name="far", now=1e9, timestamp=0, packets=6, size=960, heard=heard, their_last=(middle, 0.0)
        )

    stranger.socket.sendto(answer(1000), ("127.0.0.1", call.session.rtcp_port))
    far.press(call.session.port, 5)
    await call.wait(Key)
    call.session.measure()
    first = await call.wait(Measured)
    assert first.statistics.remote_lost == 0
    call.events.remove(first)
    reports.socket.sendto(answer(3), ("127.0.0.1", call.session.rtcp_port))
    async with asyncio.timeout(_SECONDS):
        while True:
            call.session.measure()
            measured = await call.wait(Measured)
            if measured.statistics.remote_lost:
                break
            call.events.remove(measured)
    assert (measured.statistics.remote_lost, measured.statistics.remote_jitter) == (3, 0.002)
    assert measured.statistics.round_trip is not None
    assert 0 <= measured.statistics.round_trip < _SECONDS
    assert (await call.close()).lost == 2
    last = await _report(reports)
    while last[-8:-6] != bytes((0x81, rtcp.GOODBYE)):
        last = await _report(reports)
    assert struct.unpack_from("!I", last, 44) == (rtcp.middle(1e9),)


async def test_what_the_far_end_says_is_read_and_recorded_and_heard_by_another(
    engine: MediaEngine, peer: MakePeer
) -> None:
    """In either law, in packets of 20 ms and others, with a packet lost on the way."""
    calls, far = [Call(engine) for _ in range(3)], [peer() for _ in range(3)]
    for call, each in zip(calls, far, strict=True):
        call.session.update(agreed(each))
    talking, reading, joined = calls
    reading.session.read(0)
    talking.session.connect(joined.session)
    talking.session.record(True)
    tone = (8000 * numpy.sin(numpy.arange(8000) / 5)).astype(numpy.int16)
    began = asyncio.get_running_loop().time()
    for start in range(0, len(tone), 80):
        for number, law, size in ((0, Codec.PCMA, 160), (1, Codec.PCMU, 240)):
            if start % size == 0:
                is_lost = start == size * 10
                if not is_lost:
                    said = encode(tone[start : start + size], law).tobytes()
                    far[number].send(calls[number].session.port, int(law), said)
                far[number].pass_by(size, was_sent=not is_lost)
        await asyncio.sleep(began + (start + 80) / 8000 - asyncio.get_running_loop().time())
    read = b""
    async with asyncio.timeout(_SECONDS):
        while len(read) < 2 * 7000:
            read += reading.session.read(1 << 16)
            await asyncio.sleep(0.02)
    assert _likeness(read, tone) > 0.75
    heard = b""
    async with asyncio.timeout(_SECONDS):
        while len(heard) < 8000:
            packet = await asyncio.get_running_loop().sock_recv(far[2].socket, 2048)
            heard += packet[12:]
    assert _likeness(decode(numpy.frombuffer(heard, numpy.uint8), Codec.PCMU).tobytes(), tone) > 0.5
    await asyncio.sleep(1)
    talking.session.record(False)
    await talking.close()
    recorded = b"".join(event.pcm for event in talking.events if isinstance(event, Recorded))
    assert _likeness(numpy.frombuffer(recorded, "<i2")[::2].tobytes(), tone) > 0.9


def _likeness(pcm: bytes, tone: "numpy.typing.NDArray[numpy.int16]") -> float:
    """How much of the tone is in it, at its own pitch: 1 for all."""

    def strength(samples: "numpy.typing.NDArray[numpy.int16]") -> float:
        frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).astype(float)
        return float(numpy.abs((frames * numpy.exp(-1j * numpy.arange(160) / 5)).sum(axis=1)).sum())

    return strength(numpy.frombuffer(pcm, "<i2")) / strength(tone)
