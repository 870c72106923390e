"""One call in the engine: its ports, its agreement, and what of a tick is not the same for all calls."""

import ctypes
import os
import secrets
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress

import numpy
from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from calloff.media import rtcp
from calloff.media.agreement import Address, Agreement
from calloff.media.events import Closed, Key, Latched, Measured, MediaEvent, NoMedia, Recorded, Statistics
from calloff.media.latch import Latch, plain
from calloff.media.playlist import Playlist
from calloff.media.rows import Rows
from calloff.media.rtp import HEADER, LONGEST_DATAGRAM, Packet, parse
from calloff.media.secure import receiver, sender
from calloff.media.sound import FRAME_SAMPLES, SAMPLE_RATE, SILENCE, Codec, decode, encode
from calloff.media.telephone_events import KeyReader, KeyWriter

_MOST_DATAGRAMS = 16
"""Reports that are read of one call in a tick: a flood costs no more than that."""
_PIECE = 50
"""Frames in a piece of a recording."""
_QUIET = numpy.zeros(FRAME_SAMPLES, numpy.int16)
_LIBC = ctypes.CDLL(None, use_errno=True)
_LAWS = {Codec.PCMU: 0, Codec.PCMA: 1}


class Leg:
    """The call in one row."""

    def __init__(
        self, rows: Rows, row: int, rtp: socket.socket, reports: socket.socket, tell: Callable[[MediaEvent], None]
    ) -> None:
        self.row = row
        self.rtp = rtp
        self.rtcp = reports
        self.playlist = Playlist(tell)
        self.keys = KeyWriter(tell)
        self.listens = False
        self.other: Leg | None = None
        """The leg that this one hears, and that hears this one."""
        self.is_connected = False
        """Whether the kernel drops what anybody but the proven source sends."""
        self.remote: Address | None = None
        """Where packets go."""
        self.sends = False
        """Whether any leave."""
        self.is_special = False
        """Whether they are not like those of other calls."""
        self.is_quiet = False
        """Whether they are, and there is nothing to say but silence."""
        self.receive_into: Callable[[memoryview], int] = self._receive_from_anybody
        self.send: Callable[[memoryview], object] = self.transmit
        self._came_from: Address | None = None
        self.packet = rows.packet(row)
        self._rows = rows
        self._tell = tell
        self._agreement: Agreement | None = None
        self._codec = Codec.PCMU
        self._law: Codec | None = None
        self._latch = Latch()
        self._reader = KeyReader()
        self._protect: Session | None = None
        self._unprotect: Session | None = None
        self._ssrc = secrets.randbits(32)
        self._name = f"{secrets.token_hex(8)}@calloff"
        self._owed = 0
        self._recorded: list[bytes] | None = None
        self._bad = self._strangers = 0
        self._remote_lost = self._remote_jitter = 0
        self._round_trip: float | None = None
        self._their_last: tuple[int, float] | None = None
        rows.open(
            row,
            ssrc=self._ssrc,
            sequence=secrets.randbits(15),
            timestamp=secrets.randbits(31),
            now=time.monotonic(),
        )

    # What signalling says

    def update(self, agreement: Agreement) -> None:
        """Go on as agreed. Raises `ValueError` for addresses that are none."""
        if agreement == self._agreement:
            return
        before, self._agreement = self._agreement, agreement
        if before is None or agreement.codec is not self._codec:
            self._codec = agreement.codec
            self._rows.speak(self.row, agreement.codec)
        if before is None or before.send_key != agreement.send_key:
            self._protect = sender(agreement.send_key)
        if before is None or before.receive_key != agreement.receive_key:
            self._unprotect = receiver(agreement.receive_key)
        self._latch.open(agreement.remote, agreement.sources)
        _disconnect(self.rtp)
        self.is_connected = False
        self.send, self.receive_into = self.transmit, self._receive_from_anybody
        self.remote = None if agreement.remote is None else plain(agreement.remote)
        self._rows.marker[self.row] = True
        if before is None:
            self._rows.report_at[self.row] = time.monotonic() + rtcp.INTERVAL * (0.25 + secrets.randbelow(500) / 1000)
        self._refresh()

    def write(self, pcm: bytes) -> None:
        """Queue 16-bit PCM."""
        self.is_quiet = False
        self.playlist.write(encode(numpy.frombuffer(pcm, dtype="<i2"), self._codec).tobytes(), self._codec)

    def play(self, play: int, data: bytes, codec: Codec, barge_in: bool) -> None:
        """Queue an encoded sound; `Played` tells of its end."""
        self.is_quiet = False
        self.playlist.play(play, data, codec, barge_in)

    def send_keys(self, batch: int, keys: str) -> None:
        """Queue keys; `KeysSent` tells of their end."""
        self.is_quiet = False
        self.keys.send(batch, keys)

    def listen(self, listens: bool) -> None:
        """Begin or end to deliver what is heard."""
        self.listens = listens
        self._refresh()

    def watch(self, seconds: float, now: float) -> None:
        """Tell `NoMedia` after so many seconds without a packet; 0 stops that."""
        self._rows.silent_since[self.row] = now
        self._rows.no_media_after[self.row] = seconds or numpy.inf
        self._rows.told_silent[self.row] = False

    def record(self, recording: bool) -> None:
        """Begin or end to tell `Recorded`."""
        if recording:
            self._recorded = self._recorded if self._recorded is not None else []
        elif self._recorded is not None:
            self._tell_recorded()
            self._recorded = None
        self._refresh()

    def connect(self, other: "Leg | None") -> None:
        """Let this leg and another one hear each other, and nobody else."""
        for leg in (self, other):
            if leg is not None and leg.other is not None:
                leg.other.other, before = None, leg.other
                leg.other = None
                before._refresh()
        if other is not None:
            self.other, other.other = other, self
            other._refresh()
        self._refresh()

    def measure(self) -> None:
        """Tell `Measured`."""
        self._tell(Measured(self._statistics()))

    def close(self) -> None:
        """Free the ports; `Closed` is the last event."""
        self.record(False)
        self.connect(None)
        self.playlist.flush()
        if self._rows.sent[self.row]:
            self.send_report(time.monotonic(), goodbye=True)
        self.rtp.close()
        self.rtcp.close()
        statistics = self._statistics()
        self._rows.give_back(self.row)
        self._tell(Closed(statistics))

    # What comes

    def take(self, data: bytes, now: float) -> None:
        """Take a datagram, which `receive_into` has read."""
        source = None if self.is_connected else self._came_from
        agreement = self._agreement
        if agreement is None:
            return
        if agreement.rtcp_mux and len(data) > 1 and 192 <= data[1] <= 223:
            self._take_report(data, source, now)
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
        if source is not None and not self._is_from(source, packet, authentic=authentic):
            self._strangers += 1
            return
        self._rows.silent_since[self.row] = now
        self._rows.told_silent[self.row] = False
        if self._rows.receptions.count(self.row, packet, now):
            self._reader.reset()
            self._rows.buffers.reset(self.row)
        if packet.payload_type in (agreement.event_payload, agreement.event_payload_in):
            key = self._reader.read(packet.timestamp, packet.marker, packet.payload)
            if key is not None:
                self.pressed(key, in_sound=False)
        elif packet.payload_type in (Codec.PCMU, Codec.PCMA) and agreement.direction.receives and packet.payload:
            self._take_sound(Codec(packet.payload_type), packet)

    def _receive_from_anybody(self, place: memoryview) -> int:
        """What the socket's own `recv_into` does as soon as the kernel lets nobody else through."""
        size, source = self.rtp.recvfrom_into(place)
        self._came_from = Address(source[0].partition("%")[0], source[1])
        return size

    def pressed(self, key: str, *, in_sound: bool) -> None:
        """The far end has pressed a key."""
        self._tell(Key(key, in_sound))
        self.playlist.key()

    def receive_report(self, now: float) -> None:
        """Take what has come to the port of the reports."""
        with suppress(BlockingIOError):
            for _ in range(_MOST_DATAGRAMS):
                with suppress(ConnectionError):
                    data, source = self.rtcp.recvfrom(LONGEST_DATAGRAM)
                    self._take_report(data, Address(source[0].partition("%")[0], source[1]), now)

    def fell_silent(self, now: float) -> None:
        """Tell that nothing comes, once."""
        self._rows.told_silent[self.row] = True
        self._tell(NoMedia(now - float(self._rows.silent_since[self.row])))

    def _is_from(self, source: Address, packet: Packet, *, authentic: bool) -> bool:
        was_open = self._latch.is_open
        if not self._latch.judge(source, packet.ssrc, packet.sequence, authentic=authentic):
            return False
        if was_open and not self._latch.is_open:
            self.remote = source
            with suppress(OSError):
                self.rtp.connect(source)
                self.is_connected = True
                self.send, self.receive_into = self.rtp.send, self.rtp.recv_into
            self._tell(Latched(*source))
            self._refresh()
        return True

    def _take_sound(self, law: Codec, packet: Packet) -> None:
        rows, row = self._rows, self.row
        if law is not self._law:
            self._law = law
            rows.law[row] = _LAWS[law]
            rows.buffers.open(row, SILENCE[law])
            self._refresh()
        if rows.is_heard[row]:
            rows.buffers.put(row, packet.timestamp, packet.payload, float(rows.receptions.jitter[row]))

    def _take_report(self, data: bytes, source: Address | None, now: float) -> None:
        proven = self._latch.proven
        if proven is None or (source is not None and source.host != proven.host):
            return
        if self._unprotect is not None:
            try:
                data = self._unprotect.unprotect_rtcp(data)
            except SrtpError:
                return
        report, sent_at = rtcp.read(data, self._ssrc)
        if sent_at is not None:
            self._their_last = sent_at, now
        if report is not None:
            self._remote_lost, self._remote_jitter = report.lost, report.jitter
            if report.last_report:
                since = (rtcp.middle(time.time()) - report.last_report & 0xFFFFFFFF) / 65536
                if 0 <= since - report.delay < 60:
                    self._round_trip = since - report.delay

    # What leaves

    def say(self) -> bool:
        """Lay the next 20 ms of sound into the packet; False if a key was sent in its place, or is pressed in it."""
        agreement, rows, row = self._agreement, self._rows, self.row
        assert agreement is not None
        if self.keys:
            key = self.keys.step(int(rows.timestamp[row]), FRAME_SAMPLES, agreement.event_payload, self._codec)
            if key is not None:
                self._send_packet(*key)
                rows.sound[row] = SILENCE[self._codec]
                return False
        sound = self.playlist.take(FRAME_SAMPLES, self._codec)
        if self.other is not None:
            sound = self._mixed(sound or bytes((SILENCE[self._codec],)) * FRAME_SAMPLES, self.other)
        elif sound is None and not self.keys:
            self.is_quiet = True
        rows.sound[row] = SILENCE[self._codec] if sound is None else numpy.frombuffer(sound, numpy.uint8)
        return True

    def send_specially(self) -> None:
        """Send what is due in this tick: in packets of another length, encrypted, or recorded."""
        agreement, rows, row = self._agreement, self._rows, self.row
        assert agreement is not None
        samples = agreement.ptime * SAMPLE_RATE // 1000
        self._owed += FRAME_SAMPLES
        told = b""
        while self._owed >= samples:
            self._owed -= samples
            told += self._send_next(agreement, samples)
        if self._recorded is not None:
            said = decode(numpy.frombuffer(told, numpy.uint8), self._codec) if len(told) == FRAME_SAMPLES else _QUIET
            self._recorded.append(numpy.column_stack((rows.last[row], said)).astype("<i2").tobytes())
            if len(self._recorded) >= _PIECE:
                self._tell_recorded()

    def send_report(self, now: float, *, goodbye: bool = False) -> None:
        """Send a report of RTCP; the next is due after `rtcp.INTERVAL`, more or less (RFC 3550 section 6.2)."""
        rows, row = self._rows, self.row
        rows.report_at[row] = now + rtcp.INTERVAL * (0.5 + secrets.randbelow(1000) / 1000)
        to = self._report_address()
        if to is None:
            return
        data = rtcp.build(
            ssrc=self._ssrc,
            name=self._name,
            now=time.time(),
            timestamp=int(rows.timestamp[row]),
            packets=int(rows.sent[row]),
            size=int(rows.sent_bytes[row]),
            heard=rows.receptions.report(row),
            their_last=None if self._their_last is None else (self._their_last[0], now - self._their_last[1]),
            goodbye=goodbye,
        )
        if self._protect is not None:
            data = self._protect.protect_rtcp(data)
        with suppress(OSError):
            if self._agreement is not None and self._agreement.rtcp_mux:
                self.transmit(data)
            else:
                self.rtcp.sendto(data, to)

    def _report_address(self) -> Address | None:
        agreement = self._agreement
        if agreement is None or self.remote is None:
            return None
        if agreement.remote_rtcp is not None and agreement.remote_rtcp.host == self.remote.host:
            return agreement.remote_rtcp
        return Address(self.remote.host, min(self.remote.port + 1, 65535))

    def _send_next(self, agreement: Agreement, samples: int) -> bytes:
        rows, row = self._rows, self.row
        quiet = bytes((SILENCE[self._codec],)) * samples
        timestamp = int(rows.timestamp[row])
        key = self.keys.step(timestamp, samples, agreement.event_payload, self._codec) if self.keys else None
        sound = quiet
        if key is None:
            sound = self.playlist.take(samples, self._codec) or quiet
            if self.other is not None and samples == FRAME_SAMPLES:
                sound = self._mixed(sound, self.other)
            self._send_packet(int(self._codec), bool(rows.marker[row]), timestamp, sound)
            rows.marker[row] = False
        else:
            self._send_packet(*key)
        rows.timestamp[row] = timestamp + samples & 0xFFFFFFFF  # For the next one of this tick.
        return sound

    def _mixed(self, sound: bytes, other: "Leg") -> bytes:
        own = decode(numpy.frombuffer(sound, numpy.uint8), self._codec).astype(numpy.int32)
        mixed = numpy.clip(own + self._rows.last[other.row], -32768, 32767).astype(numpy.int16)
        return encode(mixed, self._codec).tobytes()

    def _send_packet(self, kind: int, marker: bool, timestamp: int, payload: bytes) -> None:
        rows, row = self._rows, self.row
        sequence = int(rows.sequence[row])
        packet = HEADER.pack(0x80, kind | (marker << 7), sequence, timestamp & 0xFFFFFFFF, self._ssrc) + payload
        rows.sequence[row] = sequence + 1 & 0xFFFF
        rows.sent[row] += 1
        rows.sent_bytes[row] += len(payload)
        self.transmit(packet if self._protect is None else self._protect.protect(packet))

    def transmit(self, packet: bytes | memoryview) -> None:
        """Send a packet to where they go; what cannot leave is lost."""
        for _ in range(2):
            try:
                if self.is_connected:
                    self.rtp.send(packet)
                elif self.remote is not None:
                    self.rtp.sendto(packet, self.remote)
            except ConnectionError:
                continue  # An earlier packet was refused; this one has not left yet.
            except OSError:
                pass  # A full buffer, no route: it is lost like any packet of sound.
            return

    # What is told

    def _refresh(self) -> None:
        """Say in the rows what may be done for this call together with all others."""
        agreement, rows, row = self._agreement, self._rows, self.row
        receives = agreement is not None and agreement.direction.receives
        is_plain = receives and self.is_connected and self._unprotect is None and self._law is not None
        rows.plain_law[row] = int(self._law) if is_plain and self._law is not None else -1
        in_sound = receives and agreement is not None and agreement.event_payload is None
        rows.has_keys_in_sound[row] = in_sound
        wants = in_sound or self.listens or self._recorded is not None or self.other is not None
        if wants and not rows.is_heard[row]:
            rows.buffers.reset(row)
        rows.is_heard[row] = wants
        if not wants:
            rows.last[row] = 0
        self.sends = agreement is not None and agreement.direction.sends and self.remote is not None
        self.is_special = self._recorded is not None or self._protect is not None
        self.is_special |= agreement is not None and agreement.ptime != 20
        rows.sends[row] = self.sends
        self.is_quiet = False

    def _tell_recorded(self) -> None:
        if self._recorded:
            self._tell(Recorded(b"".join(self._recorded)))
            self._recorded.clear()

    def _statistics(self) -> Statistics:
        rows, row = self._rows, self.row
        return Statistics(
            packets_sent=int(rows.sent[row]),
            bytes_sent=int(rows.sent_bytes[row]),
            packets_received=int(rows.receptions.packets[row]),
            bytes_received=int(rows.receptions.bytes[row]),
            lost=rows.receptions.lost(row),
            late=int(rows.buffers.late[row]),
            bad=self._bad,
            strangers=self._strangers,
            jitter=float(rows.receptions.jitter[row]) / SAMPLE_RATE,
            delay=int(rows.buffers.depth[row]) * FRAME_SAMPLES / SAMPLE_RATE,
            remote_lost=self._remote_lost,
            remote_jitter=self._remote_jitter / SAMPLE_RATE,
            round_trip=self._round_trip,
        )


def _disconnect(sock: socket.socket) -> None:
    """Let a connected socket hear everybody again (connect(2): a family of AF_UNSPEC)."""
    nobody = struct.pack("=H14x", socket.AF_UNSPEC)
    if _LIBC.connect(sock.fileno(), nobody, len(nobody)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
