"""Reports of RTCP, as RFC 3550 section 6.4 lays them out; and counting what comes, as its appendix A does."""

import random
import struct

import numpy
import pytest

from calloff.media import rtcp
from calloff.media.reception import Reception, Receptions
from calloff.media.rtp import Packet

NOW = 1_800_000_000.25


def build(heard: Reception | None, their_last: tuple[int, float] | None = None, *, goodbye: bool = False) -> bytes:
    return rtcp.build(
        ssrc=7,
        name="a@b",
        now=NOW,
        timestamp=160,
        packets=3,
        size=480,
        heard=heard,
        their_last=their_last,
        goodbye=goodbye,
    )


def test_a_report_is_a_sender_report_with_a_description() -> None:
    data = build(None)
    flags, kind, words, ssrc, seconds, fraction, timestamp, packets, size = struct.unpack_from("!BBHIIIIII", data)
    assert (flags, kind, words, ssrc) == (0x80, 200, 6, 7)
    assert (seconds - 2208988800, fraction) == (1_800_000_000, 1 << 30)
    assert (timestamp, packets, size) == (160, 3, 480)
    assert data[28:] == b"\x81\xca\x00\x03\x00\x00\x00\x07\x01\x03a@b\x00\x00\x00"
    assert build(None, goodbye=True) == data + b"\x81\xcb\x00\x01\x00\x00\x00\x07"


def test_what_one_end_says_of_a_stream_is_read_by_the_other() -> None:
    heard = Reception(ssrc=99, fraction_lost=64, lost=5, highest=(2 << 16) + 17, jitter=80)
    report, sent_at = rtcp.read(build(heard, (0x12345678, 1.5)), 99)
    assert report == rtcp.Report(lost=5, jitter=80, last_report=0x12345678, delay=1.5)
    assert sent_at == rtcp.middle(NOW)
    assert rtcp.read(build(heard), 98) == (None, sent_at)


def test_packets_that_came_twice_are_fewer_than_none_lost() -> None:
    data = bytearray(build(Reception(99, 0, 0, 0, 0)))
    data[33:36] = b"\xff\xff\xfe"
    report, _ = rtcp.read(bytes(data), 99)
    assert report is not None
    assert report.lost == -2


def test_whatever_comes_is_read_without_an_error() -> None:
    chance = random.Random(7)
    good = build(Reception(99, 64, 5, 17, 80), (1, 1.0), goodbye=True)
    for _ in range(20_000):
        data = bytearray(good[: chance.randrange(len(good) + 1)])
        for _ in range(chance.randrange(4)):
            if data:
                data[chance.randrange(len(data))] = chance.getrandbits(8)
        rtcp.read(bytes(data), 99)


def packet(sequence: int, ssrc: int = 5) -> Packet:
    return Packet(0, False, sequence & 0xFFFF, sequence * 160 & 0xFFFFFFFF, ssrc, bytes(160))


def test_losses_are_told_since_the_last_report_and_in_all() -> None:
    receptions = Receptions(2)
    assert receptions.report(1) is None
    for sequence in (65534, 65535, 65537, 65538):  # One of five is lost, across the wrap.
        receptions.count(1, packet(sequence), sequence * 0.02)
    assert receptions.report(1) == Reception(ssrc=5, fraction_lost=51, lost=1, highest=(1 << 16) + 2, jitter=0)
    receptions.count(1, packet(65539), 65539 * 0.02)
    assert receptions.report(1) == Reception(ssrc=5, fraction_lost=0, lost=1, highest=(1 << 16) + 3, jitter=0)
    assert receptions.report(0) is None


def test_a_new_source_begins_a_new_stream_and_what_is_late_is_none() -> None:
    receptions = Receptions(1)
    assert receptions.count(0, packet(10), 0.2)
    assert not receptions.count(0, packet(12), 0.24)
    assert not receptions.count(0, packet(11), 0.25)
    assert receptions.lost(0) == 0
    assert receptions.count(0, packet(30_000), 600.0)
    assert receptions.count(0, packet(30_001, ssrc=6), 600.02)
    assert int(receptions.packets[0]) == 5


@pytest.mark.parametrize("late", [0.0, 0.005, 0.02])
def test_jitter_is_that_of_the_rfc(late: float) -> None:
    """Every other packet comes `late`, so that each differs from the one before it by that much."""
    receptions = Receptions(3)
    rows = numpy.array([2, 0])
    for sequence in range(2000):
        at = 1000 + sequence * 0.02 + (late if sequence % 2 else 0)
        both = numpy.array([sequence, sequence])
        receptions.count_many(rows, both, both * 160, 160, at)
    assert receptions.jitter[2] == pytest.approx(late * 8000, abs=1.5)
    assert receptions.jitter[0] == receptions.jitter[2]
    assert receptions.jitter[1] == 0
