"""What comes in at odd times leaves in its order, a frame each 20 ms."""

import random

import pytest

from calloff.media.jitter import JitterBuffer

FRAME = 160


def frame(number: int) -> bytes:
    """A frame that can be told from others."""
    return bytes((number & 0xFF,)) * FRAME


def drained(buffer: JitterBuffer, ticks: int) -> list[int | None]:
    """What so many ticks take: the numbers of frames."""
    return [taken[0] if (taken := buffer.take()) is not None else None for _ in range(ticks)]


@pytest.mark.parametrize("start", [0, 0xFFFFFFFF - 5 * FRAME + 1])
def test_frames_leave_in_their_order_after_forty_milliseconds(start: int) -> None:
    buffer = JitterBuffer()
    told: list[int | None] = []
    for number in range(12):
        buffer.put(start + number * FRAME & 0xFFFFFFFF, frame(number), 0)
        told += drained(buffer, 1)
    assert [number for number in told if number is not None] == list(range(11))
    assert told[0] is None


def test_what_comes_out_of_order_leaves_in_order() -> None:
    buffer = JitterBuffer()
    for number in (1, 0, 3, 2, 5, 4):
        buffer.put(number * FRAME, frame(number), 0)
    assert drained(buffer, 6) == [0, 1, 2, 3, 4, 5]


def test_what_is_lost_leaves_a_gap_and_what_is_late_is_counted() -> None:
    buffer = JitterBuffer()
    for number in (0, 1, 3, 4):
        buffer.put(number * FRAME, frame(number), 0)
    assert drained(buffer, 4) == [0, 1, None, 3]
    buffer.put(2 * FRAME, frame(2), 0)
    assert buffer.late == 1
    assert drained(buffer, 1) == [4]


def test_a_copy_is_heard_once() -> None:
    buffer = JitterBuffer()
    for number in (0, 0, 1, 1, 2):
        buffer.put(number * FRAME, frame(number), 0)
    assert drained(buffer, 4) == [0, 1, 2, None]


@pytest.mark.parametrize("milliseconds", [10, 30, 40])
def test_packets_of_other_lengths_become_frames(milliseconds: int) -> None:
    samples = 8 * milliseconds
    sound = b"".join(frame(number) for number in range(12))
    buffer = JitterBuffer()
    for start in range(0, len(sound), samples):
        buffer.put(start, sound[start : start + samples], 0)
    assert drained(buffer, 12) == list(range(12))


def test_a_jump_of_the_timestamp_begins_a_new_stream() -> None:
    buffer = JitterBuffer()
    for number in range(3):
        buffer.put(number * FRAME, frame(number), 0)
    for number in range(10, 14):
        buffer.put(1_000_000 + number * FRAME, frame(number), 0)
    assert drained(buffer, 4) == [10, 11, 12, 13]


def test_a_burst_does_not_delay_a_call_for_ever() -> None:
    buffer = JitterBuffer()
    for number in range(15):
        buffer.put(number * FRAME, frame(number), 0)
    for number in range(15, 2000):
        buffer.put(number * FRAME, frame(number), 0)
        buffer.take()
    assert buffer.depth <= 4


def test_whatever_comes_is_bounded() -> None:
    chance = random.Random(1)
    buffer = JitterBuffer()
    for _ in range(20_000):
        buffer.put(chance.getrandbits(32), chance.randbytes(chance.randrange(0, 2000)), chance.uniform(0, 8000))
        if chance.random() < 0.5:
            buffer.take()
        assert buffer.depth < 200
