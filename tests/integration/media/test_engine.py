"""The engine's own process, on real sockets: whom it hears, and what it does with what nobody should send."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import TypeVar

import pytest
from pylibsrtp import Policy
from pylibsrtp import Session as Srtp

from calloff.media.agreement import Address, Agreement, MediaSettings, SrtpKey, SrtpProfile
from calloff.media.client import MediaEngine
from calloff.media.events import Closed, Key, Latched, Lost, MediaEvent, NoMedia, Statistics
from calloff.media.session import Session
from calloff.media.sound import Sound

_EVENTS = 101
_SECONDS = 30.0
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
