"""Keys as events: one press is one key, whatever is repeated, lost or too long (RFC 4733 section 2.5.1)."""

import struct
from itertools import count

import pytest

from calloff.media.events import KeysSent
from calloff.media.sound import Codec
from calloff.media.telephone_events import EVENT_KEYS, KeyReader, KeyWriter

_END = 0x80


def packet(key: str, duration: int, *, end: bool = False) -> bytes:
    """The payload of an event."""
    return struct.pack("!BBH", EVENT_KEYS.index(key), 10 | (_END if end else 0), duration)


def press(reader: KeyReader, key: str, timestamp: int, *, ends: int = 3, updates: int = 4) -> list[str]:
    """What is read of one press of 100 ms, of which the first packet has the marker."""
    told = [reader.read(timestamp, True, packet(key, 160))]
    told += [reader.read(timestamp, False, packet(key, 160 * (step + 2))) for step in range(updates)]
    told += [reader.read(timestamp, False, packet(key, 800, end=True)) for _ in range(ends)]
    return [key for key in told if key is not None]


@pytest.mark.parametrize("key", EVENT_KEYS)
def test_a_press_is_one_key(key: str) -> None:
    assert press(KeyReader(), key, 1000) == [key]


@pytest.mark.parametrize("ends", [0, 1, 3])
def test_the_same_key_again_is_another_press_whether_or_not_its_end_was_lost(ends: int) -> None:
    reader = KeyReader()
    assert press(reader, "5", 1000, ends=ends) + press(reader, "5", 3000, ends=ends) == ["5", "5"]


def test_a_press_of_which_only_an_end_came_is_one_key() -> None:
    reader = KeyReader()
    assert reader.read(1000, False, packet("7", 800, end=True)) == "7"
    assert reader.read(1000, False, packet("7", 800, end=True)) is None


def test_a_key_longer_than_a_duration_can_say_is_one_key() -> None:
    reader = KeyReader()
    told = []
    for step in range(1, 900):
        segment, duration = divmod(160 * step, 0xFFFF)
        told.append(reader.read(segment * 0xFFFF, step == 1, packet("9", duration)))
    assert [key for key in told if key] == ["9"]


def test_a_gateway_that_stamps_each_packet_anew_presses_once() -> None:
    reader = KeyReader()
    told = [reader.read(1000 + 160 * step, step == 0, packet("3", 160 * (step + 1))) for step in range(5)]
    assert [key for key in told if key] == ["3"]


def test_what_comes_late_presses_nothing() -> None:
    reader = KeyReader()
    press(reader, "1", 1000)
    press(reader, "2", 3000)
    assert reader.read(1000, False, packet("1", 800, end=True)) is None


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x01\x0a\x00", struct.pack("!BBH", 16, 10, 160), b"\xff" * 4])
def test_what_is_no_key_presses_nothing(payload: bytes) -> None:
    assert KeyReader().read(1000, True, payload) is None


def test_the_wrap_of_timestamps_changes_nothing() -> None:
    reader = KeyReader()
    assert press(reader, "4", 0xFFFFFF00) + press(reader, "6", 0x00000800) == ["4", "6"]


def written(keys: str, payload_type: int | None) -> tuple[list[object], list[object]]:
    """The packets and events of these keys, a packet each 20 ms; None for one of sound."""
    told: list[object] = []
    writer = KeyWriter(told.append)
    writer.send(1, keys)
    packets: list[object] = []
    for timestamp in count(0, 160):
        if not writer:
            return packets, told
        packets.append(writer.step(timestamp, 160, payload_type, Codec.PCMU))
    raise AssertionError


def test_what_is_written_is_read() -> None:
    packets, told = written("159*0#", 101)
    reader = KeyReader()
    events = [packet for packet in packets if packet is not None]
    read = [reader.read(event.timestamp, event.marker, event.payload) for event in events]  # type: ignore[attr-defined]
    assert [key for key in read if key] == list("159*0#")
    assert told == [KeysSent(1)]


def test_each_key_ends_thrice_and_a_pause_is_a_second_of_sound() -> None:
    packets, _ = written("1,2", 101)
    ends = [bool(event.payload[1] & _END) if event else None for event in packets]  # type: ignore[attr-defined]
    assert ends.count(True) == 6
    assert max(len(run) for run in "".join("." if end is None else "k" for end in ends).split("k")) >= 50


def test_without_events_a_key_is_two_tones() -> None:
    packets, told = written("5", None)
    tones = [packet for packet in packets if packet is not None]
    assert [tone.payload_type for tone in tones] == [0] * 5  # type: ignore[attr-defined]
    assert told == [KeysSent(1)]
