"""One call in the engine: what comes and what leaves in each tick of 20 ms."""

import ctypes
import os
import secrets
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

import numpy
from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from calloff.media.agreement import Address, Agreement
from calloff.media.events import Closed, Key, Latched, Measured, MediaEvent, NoMedia, Recorded, Statistics
from calloff.media.jitter import JitterBuffer
from calloff.media.latch import Latch, plain
from calloff.media.playlist import Playlist
from calloff.media.rtp import HEADER, LONGEST_DATAGRAM, Packet, ahead, parse, sequence_ahead
from calloff.media.secure import receiver, sender
from calloff.media.sound import FRAME_SAMPLES, SAMPLE_RATE, SILENCE, Codec, Pcm, decode, encode
from calloff.media.telephone_events import KeyReader, KeyWriter

_MOST_DATAGRAMS = 64
"""Datagrams that are read of one call in a tick: a flood costs no more than that."""
_CONCEALED = 3
"""Lost frames that are filled with the one before, each softer; then it is silent."""
_PIECE = 50
"""Frames in a piece of a recording."""
_QUIET = numpy.zeros(FRAME_SAMPLES, numpy.int16)
_LIBC = ctypes.CDLL(None, use_errno=True)


class Leg:
    """The ports, the sound and the keys of one call."""

    def __init__(self, rtp: socket.socket, rtcp: socket.socket, tell: Callable[[MediaEvent], None]) -> None:
        self._rtp = rtp
        self._rtcp = rtcp
        self._tell = tell
        self._ipv6 = rtp.family == socket.AF_INET6
        self.playlist = Playlist(tell)
        self.keys = KeyWriter(tell)
        self.listens = False
        self.heard: Pcm | None = None
        """What the far end said in the last tick; None until its first packet."""
        self.other: Leg | None = None
        """The leg that this one hears, and that hears this one."""
        self._agreement: Agreement | None = None
        self._codec = Codec.PCMU
        self._to: Address | None = None
        self._latch = Latch()
        self._buffer = JitterBuffer()
        self._law = Codec.PCMU
        self._reader = KeyReader()
        self._protect: Session | None = None
        self._unprotect: Session | None = None
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)
        self._owed = 0
        self._marker = True
        self._last: Pcm = _QUIET
        self._missing = 0
        self._their_ssrc: int | None = None
        self._highest = 0
        self._transit: float | None = None
        self._silent_since = 0.0
        self._no_media_after = 0.0
        self._told_silent = False
        self._recorded: list[bytes] | None = None
        self._sent = self._sent_bytes = self._received = self._received_bytes = 0
        self._expected = self._bad = self._strangers = 0
        self._jitter = 0.0

    # What signalling says

    def update(self, agreement: Agreement) -> None:
        """Go on as agreed. Raises `ValueError` for addresses that are none."""
        if agreement == self._agreement:
            return
        before, self._agreement = self._agreement, agreement
        self._codec = agreement.codec
        if before is None or before.send_key != agreement.send_key:
            self._protect = sender(agreement.send_key)
        if before is None or before.receive_key != agreement.receive_key:
            self._unprotect = receiver(agreement.receive_key)
        self._latch.open(agreement.remote, agreement.sources)
        _disconnect(self._rtp)
        self._to = None if agreement.remote is None else plain(agreement.remote)
        self._marker = True

    def write(self, pcm: bytes) -> None:
        """Queue 16-bit PCM."""
        self.playlist.write(encode(numpy.frombuffer(pcm, dtype="<i2"), self._codec).tobytes(), self._codec)

    def watch(self, seconds: float, now: float) -> None:
        """Tell `NoMedia` after so many seconds without a packet; 0 stops that."""
        self._no_media_after, self._silent_since, self._told_silent = seconds, now, False

    def record(self, recording: bool) -> None:
        """Begin or end to tell `Recorded`."""
        if recording:
            self._recorded = self._recorded if self._recorded is not None else []
        elif self._recorded is not None:
            self._tell_recorded()
            self._recorded = None

    def connect(self, other: "Leg | None") -> None:
        """Let this leg and another one hear each other, and nobody else."""
        for leg in (self, other):
            if leg is not None and leg.other is not None:
                leg.other.other = None
                leg.other = None
        if other is not None:
            self.other, other.other = other, self

    def measure(self) -> None:
        """Tell `Measured`."""
        self._tell(Measured(self._statistics()))

    def close(self) -> None:
        """Free the ports; `Closed` is the last event."""
        self.record(False)
        self.connect(None)
        self.playlist.flush()
        self._rtp.close()
        self._rtcp.close()
        self._tell(Closed(self._statistics()))

    # The tick

    def tick(self, now: float) -> None:
        """Take what has come, and send what is due."""
        self._receive(now)
        self._hear()
        told = self._send()
        if self._recorded is not None:
            heard = _QUIET if self.heard is None else self.heard
            self._recorded.append(numpy.column_stack((heard, told)).astype("<i2").tobytes())
            if len(self._recorded) >= _PIECE:
                self._tell_recorded()
        self._look_for_silence(now)

    def _receive(self, now: float) -> None:
        with suppress(BlockingIOError):
            for _ in range(_MOST_DATAGRAMS):
                try:
                    data, source = self._rtp.recvfrom(LONGEST_DATAGRAM)
                except ConnectionError:
                    continue  # It belongs to a packet that was sent before.
                self._take(data, Address(source[0].partition("%")[0], source[1]), now)
        with suppress(BlockingIOError):
            for _ in range(_MOST_DATAGRAMS):
                with suppress(ConnectionError):
                    self._rtcp.recv(LONGEST_DATAGRAM)

    def _take(self, data: bytes, source: Address, now: float) -> None:
        agreement = self._agreement
        if agreement is None:
            return
        authentic = False
        if self._unprotect is not None:
            try:
                data = self._unprotect.unprotect(data)
            except SrtpError:
                self._bad += 1
                return
            authentic = True
        packet = parse(data)
        if packet is None:
            self._bad += 1
            return
        was_open = self._latch.is_open
        if not self._latch.judge(source, packet.ssrc, packet.sequence, authentic=authentic):
            self._strangers += 1
            return
        if was_open and not self._latch.is_open:
            self._to = source
            with suppress(OSError):
                self._rtp.connect(source)
            self._tell(Latched(*source))
        self._silent_since, self._told_silent = now, False
        self._count(packet, now)
        if packet.payload_type in (agreement.event_payload, agreement.event_payload_in):
            key = self._reader.read(packet.timestamp, packet.marker, packet.payload)
            if key is not None:
                self._pressed(key, in_sound=False)
        elif packet.payload_type in (Codec.PCMU, Codec.PCMA) and agreement.direction.receives and packet.payload:
            law = Codec(packet.payload_type)
            if law is not self._law:
                self._law = law
                self._buffer.silence = SILENCE[law]
                self._buffer.reset()
            self._buffer.put(packet.timestamp, packet.payload, self._jitter)
            if self.heard is None:
                self.heard = _QUIET

    def _pressed(self, key: str, *, in_sound: bool) -> None:
        self._tell(Key(key, in_sound))
        self.playlist.key()

    def _count(self, packet: Packet, now: float) -> None:
        self._received += 1
        self._received_bytes += len(packet.payload)
        if packet.ssrc != self._their_ssrc or abs(sequence_ahead(packet.sequence, self._highest)) > 3000:
            self._their_ssrc, self._highest, self._transit = packet.ssrc, packet.sequence, None
            self._expected += 1
            self._reader.reset()
            self._buffer.reset()
        elif (further := sequence_ahead(packet.sequence, self._highest)) > 0:
            self._highest = packet.sequence
            self._expected += further
        transit = now * SAMPLE_RATE - packet.timestamp
        if self._transit is not None:
            difference = abs(ahead(int(transit) & 0xFFFFFFFF, int(self._transit) & 0xFFFFFFFF))
            if difference < SAMPLE_RATE:
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    def _hear(self) -> None:
        if self.heard is None:
            return
        frame = self._buffer.take()
        if frame is not None:
            self._last, self._missing = decode(numpy.frombuffer(frame, numpy.uint8), self._law), 0
            self.heard = self._last
        elif self._missing < _CONCEALED and self._buffer.depth:
            self._missing += 1
            self.heard = self._last >> self._missing
        else:
            self.heard = _QUIET

    def _send(self) -> Pcm:
        """Send the packets of this tick; what was to be heard in them."""
        agreement = self._agreement
        if agreement is None or self._to is None or not agreement.direction.sends:
            self._timestamp = self._timestamp + FRAME_SAMPLES & 0xFFFFFFFF
            self._marker = True
            return _QUIET
        samples = agreement.ptime * SAMPLE_RATE // 1000
        self._owed += FRAME_SAMPLES
        told = b""
        while self._owed >= samples:
            self._owed -= samples
            told += self._send_packet(agreement, samples)
        if self._recorded is None or len(told) != FRAME_SAMPLES:
            return _QUIET
        return decode(numpy.frombuffer(told, numpy.uint8), self._codec)

    def _send_packet(self, agreement: Agreement, samples: int) -> bytes:
        quiet = bytes((SILENCE[self._codec],)) * samples
        sound = quiet
        key = self.keys.step(self._timestamp, samples, agreement.event_payload, self._codec) if self.keys else None
        if key is None:
            sound = self.playlist.take(samples, self._codec) or quiet
            if self.other is not None and self.other.heard is not None and samples == FRAME_SAMPLES:
                own = decode(numpy.frombuffer(sound, numpy.uint8), self._codec).astype(numpy.int32)
                mixed = numpy.clip(own + self.other.heard, -32768, 32767).astype(numpy.int16)
                sound = encode(mixed, self._codec).tobytes()
            kind, marker, timestamp, payload = int(self._codec), self._marker, self._timestamp, sound
            self._marker = False
        else:
            kind, marker, timestamp, payload = key
        packet = HEADER.pack(0x80, kind | (marker << 7), self._sequence, timestamp & 0xFFFFFFFF, self._ssrc) + payload
        if self._protect is not None:
            packet = self._protect.protect(packet)
        self._sequence = self._sequence + 1 & 0xFFFF
        self._timestamp = self._timestamp + samples & 0xFFFFFFFF
        self._transmit(packet)
        self._sent += 1
        self._sent_bytes += len(payload)
        return sound

    def _transmit(self, packet: bytes) -> None:
        for _ in range(2):
            try:
                if self._latch.is_open:
                    assert self._to is not None
                    self._rtp.sendto(packet, self._to)
                else:
                    self._rtp.send(packet)
            except ConnectionError:
                continue  # An earlier packet was refused; this one has not left yet.
            except OSError:
                pass  # A full buffer, no route: it is lost like any packet of sound.
            return

    def _look_for_silence(self, now: float) -> None:
        after = self._no_media_after
        if after and not self._told_silent and now - self._silent_since >= after:
            self._told_silent = True
            self._tell(NoMedia(now - self._silent_since))

    def _tell_recorded(self) -> None:
        if self._recorded:
            self._tell(Recorded(b"".join(self._recorded)))
            self._recorded.clear()

    def _statistics(self) -> Statistics:
        return Statistics(
            packets_sent=self._sent,
            bytes_sent=self._sent_bytes,
            packets_received=self._received,
            bytes_received=self._received_bytes,
            lost=max(0, self._expected - self._received),
            late=self._buffer.late,
            bad=self._bad,
            strangers=self._strangers,
            jitter=self._jitter / SAMPLE_RATE,
            delay=self._buffer.depth * FRAME_SAMPLES / SAMPLE_RATE,
        )


def _disconnect(sock: socket.socket) -> None:
    """Let a connected socket hear everybody again (connect(2): a family of AF_UNSPEC)."""
    nobody = struct.pack("=H14x", socket.AF_UNSPEC)
    if _LIBC.connect(sock.fileno(), nobody, len(nobody)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
