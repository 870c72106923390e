"""What a held call costs the media engine: sound both ways, plain and encrypted, and how evenly its packets leave."""

import asyncio
import os
import socket
import struct
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from bench.report import Figure, milliseconds, percentile
from bench.stage import FULL
from calloff.media.agreement import Address, Agreement, MediaSettings, SrtpKey, SrtpProfile
from calloff.media.client import MediaEngine
from calloff.media.session import Session

CALLS = 1000 if FULL else 300
_SECONDS = 20.0 if FULL else 8.0
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_SO_TIMESTAMPNS = 35
_WATCHED = 20
"""Calls whose packets are looked at one by one."""


async def measure_media() -> list[Figure]:
    """Hold `CALLS` between two engines, and tell what one of them costs; then the same encrypted."""
    bare = await asyncio.to_thread(_bare)
    plain, gaps = await _hold(encrypted=False)
    secret, _ = await _hold(encrypted=True)
    late = percentile(gaps, 0.99)
    return [
        Figure(
            f"a held call with sound both ways, {CALLS} in one process",
            f"{plain:.3%} of a core",
            f"its packets sent and received, and nothing else, {bare:.3%}",
            plain / bare,
            "0.06%",
            plain <= 0.0006,
        ),
        Figure(
            f"a held call with SRTP, {CALLS} in one process",
            f"{secret:.3%} of a core",
            f"without encryption {plain:.3%}",
            secret / plain,
            "0.14%",
            secret <= 0.0014,
        ),
        Figure(
            f"departure of RTP, off its 20 ms, p99, {CALLS} held",
            milliseconds(late),
            f"p50 {milliseconds(percentile(gaps, 0.5))}",
            None,
            "6 ms",
            late <= 0.006,
        ),
    ]


def _bare() -> float:
    """What sending and receiving 50 packets a second costs, as a share of a core."""
    rounds, pairs = 100, [(_socket(), _socket()) for _ in range(_WATCHED * 5)]
    packet, place = bytes(172), bytearray(2048)
    for one, other in pairs:
        one.connect(other.getsockname())
        other.connect(one.getsockname())
    used = time.thread_time()
    for _ in range(rounds):
        for one, _other in pairs:
            one.send(packet)
        for _one, other in pairs:
            other.recv_into(place)
    share = (time.thread_time() - used) / rounds / len(pairs) * 50
    for pair in pairs:
        for sock in pair:
            sock.close()
    return share


async def _hold(*, encrypted: bool) -> tuple[float, list[float]]:
    """The share of a core that one of the calls costs, and how far packets came off their places."""
    async with AsyncExitStack() as stack:
        ours, theirs = [
            MediaEngine(MediaSettings("127.0.0.1", ports=ports, max_calls=CALLS))
            for ports in ((20000, 30000), (30000, 40000))
        ]
        for engine in (ours, theirs):
            await engine.start()
            stack.push_async_callback(engine.stop)
        for number in range(CALLS - _WATCHED):
            _connect(ours.open(_nothing), theirs.open(_nothing), number, encrypted=encrypted)
        watched = [stack.enter_context(_socket()) for _ in range(_WATCHED)]
        for sock in watched:
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        for sock in watched:
            ours.open(_nothing).update(Agreement(remote=Address(*sock.getsockname())))
        await asyncio.sleep(2)
        used, began = _cpu(ours), time.perf_counter()
        arrivals = await asyncio.to_thread(_arrivals, watched)
        return (_cpu(ours) - used) / (time.perf_counter() - began) / CALLS, arrivals


def _connect(one: Session, other: Session, number: int, *, encrypted: bool) -> None:
    there, back = (_key(number, way) if encrypted else None for way in range(2))
    for ours, theirs, send, receive in ((one, other, there, back), (other, one, back, there)):
        remote = Address("127.0.0.1", theirs.port)
        ours.update(Agreement(remote=remote, event_payload=101, send_key=send, receive_key=receive))


def _key(number: int, way: int) -> SrtpKey:
    return SrtpKey(SrtpProfile.AES_CM_128_HMAC_SHA1_80, bytes([number % 251, way]) + bytes(28))


def _arrivals(watched: list[socket.socket]) -> list[float]:
    """How far off 20 ms after the one before it each packet came, in seconds, by the kernel's clock."""
    found: list[float] = []
    last: dict[socket.socket, float] = {}
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        time.sleep(0.01)
        for sock in watched:
            with suppress(BlockingIOError):
                while True:
                    _, [(_, _, stamp)], _, _ = sock.recvmsg(2048, 64)
                    seconds, nanoseconds = struct.unpack("@ll", stamp)
                    at = seconds + nanoseconds / 1e9
                    if sock in last:
                        found.append(abs(at - last[sock] - 0.02))
                    last[sock] = at
    return found


def _cpu(engine: MediaEngine) -> float:
    """Seconds of a processor that the engine's process has used."""
    fields = Path(f"/proc/{engine.process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def _socket() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def _nothing(event: object) -> None:
    pass
