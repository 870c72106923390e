"""The media of a test's far end: a UDP socket that records RTP (RFC 3550) and sends G.711 and RFC 4733 events."""

import asyncio
import math
import struct
from array import array
from itertools import pairwise
from statistics import fmean, median
from typing import Self

FRAME = 160
EVENT_TYPE = 101
KEYS = "0123456789*#ABCD"


def tone(hertz: float, seconds: float, level: float = 0.5) -> bytes:
    """A sine as 8 kHz, 16-bit PCM; `level` is the peak, 1.0 being full scale."""
    samples = (int(32767 * level * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(round(8000 * seconds)))
    return array("h", samples).tobytes()


def rms(pcm: bytes) -> float:
    """The level of PCM, 1.0 being a square wave at full scale."""
    samples = array("h", pcm)
    return math.sqrt(sum(s * s for s in samples) / len(samples)) / 32767 if samples else 0.0


def pitch(pcm: bytes) -> float:
    """The frequency of a sine in hertz, from its rising zero crossings; gaps (a late machine's) do not count."""
    rising = [n for n, (a, b) in enumerate(pairwise(array("h", pcm))) if a < 0 <= b]
    periods = [b - a for a, b in pairwise(rising)]
    if not periods:
        return 0.0
    ordinary = 1.5 * median(periods)
    return 8000 / fmean(period for period in periods if period <= ordinary)


def loud(pcm: bytes) -> bytes:
    """The part from the first loud sample to the last."""
    samples = array("h", pcm)
    indices = [i for i, s in enumerate(samples) if abs(s) > 300]
    return samples[indices[0] : indices[-1] + 1].tobytes() if indices else b""


def decode_ulaw(payload: bytes) -> bytes:
    """G.711 mu-law to PCM."""
    return array("h", (_ULAW[byte] for byte in payload)).tobytes()


def encode_ulaw(pcm: bytes) -> bytes:
    """PCM to G.711 mu-law."""
    out = bytearray()
    for sample in array("h", pcm):
        sign = 0x80 if sample < 0 else 0
        magnitude = min(abs(sample), 32635) + 132
        exponent = magnitude.bit_length() - 8
        out.append(~(sign | exponent << 4 | (magnitude >> (exponent + 3)) & 0x0F) & 0xFF)
    return bytes(out)


def _expand(byte: int) -> int:
    byte = ~byte & 0xFF
    value = (((byte & 0x0F) << 3) + 132 << ((byte & 0x70) >> 4)) - 132
    return -value if byte & 0x80 else value


_ULAW = [_expand(byte) for byte in range(256)]


class RtpEnd(asyncio.DatagramProtocol):
    """The far end's media: everything that came, and a way to send once the near end's address is known."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.heard = asyncio.Event()
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._near: tuple[str, int] | None = None
        self._sequence = 0
        self._timestamp = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) >= 12 and data[1] & 0x7F in (0, EVENT_TYPE):
            self.packets.append(data)
            self._near = addr
            self.heard.set()

    def sound(self) -> bytes:
        """The PCM that came, in order."""
        audio = sorted((p for p in self.packets if p[1] & 0x7F == 0), key=lambda p: struct.unpack("!H", p[2:4])[0])
        return decode_ulaw(b"".join(p[12:] for p in audio))

    def keys(self) -> str:
        """The digits that came as events: each event has a timestamp of its own, and an end bit."""
        ended = {p[4:8]: KEYS[p[12]] for p in self.packets if p[1] & 0x7F == EVENT_TYPE and p[13] & 0x80}
        return "".join(ended.values())

    async def say(self, pcm: bytes) -> None:
        """Send PCM as G.711, a packet every 20 ms."""
        await self.heard.wait()
        start = asyncio.get_running_loop().time()
        for number, offset in enumerate(range(0, len(pcm) - 2 * FRAME + 1, 2 * FRAME)):
            self._send(0, encode_ulaw(pcm[offset : offset + 2 * FRAME]), self._timestamp)
            self._timestamp += FRAME
            await asyncio.sleep(start + (number + 1) * 0.02 - asyncio.get_running_loop().time())

    async def press(self, keys: str) -> None:
        """Press `keys`: each for 80 ms, with its end sent three times (RFC 4733 section 2.5.1.4)."""
        await self.heard.wait()
        for key in keys:
            for packet in range(1, 7):
                end = 0x80 if packet > 3 else 0
                duration = FRAME * min(packet, 4)
                self._send(EVENT_TYPE, struct.pack("!BBH", KEYS.index(key), end | 10, duration), self._timestamp)
                await asyncio.sleep(0.02)
            self._timestamp += FRAME * 8

    def _send(self, payload_type: int, payload: bytes, timestamp: int) -> None:
        self._sequence += 1
        header = struct.pack("!BBHII", 0x80, payload_type, self._sequence, timestamp, 0x0FA12E5D)
        assert self._transport is not None
        self._transport.sendto(header + payload, self._near)
