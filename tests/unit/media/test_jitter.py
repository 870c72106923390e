"""What comes in at odd times leaves in its order, a frame each 20 ms."""

import random
from collections.abc import Callable

import numpy
import pytest

from calloff.media.jitter import JitterBuffers

FRAME = 160
ROW = 1


class JitterBuffer:
    """One stream, in a row between two others; packets of a frame go in by the way of many, or of one."""

    def __init__(self, *, many: bool = True) -> None:
        self._buffers = JitterBuffers(3)
        self._many = many

    def put(self, timestamp: int, payload: bytes, jitter: float) -> None:
        """Take a packet."""
        if self._many and len(payload) == FRAME:
            sound = numpy.frombuffer(payload, numpy.uint8)[None]
            self._buffers.put_frames(numpy.array([ROW]), numpy.array([timestamp]), sound, numpy.array([jitter]))
        else:
            self._buffers.put(ROW, timestamp, payload, jitter)

    def take(self) -> bytes | None:
        """The next frame; the rows beside it have none."""
        frames, found = self._buffers.take(numpy.array([0, ROW, 2]))
        assert found.tolist() in ([False, True, False], [False, False, False])
        return frames[1].tobytes() if found[1] else None

    @property
    def depth(self) -> int:
        """Frames that wait."""
        assert self._buffers.depth[ROW] == self._buffers._has[ROW].sum()
        return int(self._buffers.depth[ROW])

    @property
    def late(self) -> int:
        """Packets that were."""
        return int(self._buffers.late[ROW])


Make = Callable[[], JitterBuffer]


@pytest.fixture(params=[True, False], ids=["many", "one"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a buffer that is filled in one of the two ways."""
    return lambda: JitterBuffer(many=request.param)


def frame(number: int) -> bytes:
    """A frame that can be told from others."""
    return bytes((number & 0xFF,)) * FRAME


def drained(buffer: JitterBuffer, ticks: int) -> list[int | None]:
    """What so many ticks take: the numbers of frames."""
    return [taken[0] if (taken := buffer.take()) is not None else None for _ in range(ticks)]


@pytest.mark.parametrize("start", [0, 0xFFFFFFFF - 5 * FRAME + 1])
def test_frames_leave_in_their_order_after_forty_milliseconds(make: Make, start: int) -> None:
    buffer = make()
    told: list[int | None] = []
    for number in range(12):
        buffer.put(start + number * FRAME & 0xFFFFFFFF, frame(number), 0)
        told += drained(buffer, 1)
    assert [number for number in told if number is not None] == list(range(11))
    assert told[0] is None


def test_what_comes_out_of_order_leaves_in_order(make: Make) -> None:
    buffer = make()
    for number in (1, 0, 3, 2, 5, 4):
        buffer.put(number * FRAME, frame(number), 0)
    assert drained(buffer, 6) == [0, 1, 2, 3, 4, 5]


def test_what_is_lost_leaves_a_gap_and_what_is_late_is_counted(make: Make) -> None:
    buffer = make()
    for number in (0, 1, 3, 4):
        buffer.put(number * FRAME, frame(number), 0)
    assert drained(buffer, 4) == [0, 1, None, 3]
    buffer.put(2 * FRAME, frame(2), 0)
    assert buffer.late == 1
    assert drained(buffer, 1) == [4]


def test_a_copy_is_heard_once(make: Make) -> None:
    buffer = make()
    for number in (0, 0, 1, 1, 2):
        buffer.put(number * FRAME, frame(number), 0)
    assert drained(buffer, 4) == [0, 1, 2, None]


@pytest.mark.parametrize("milliseconds", [10, 30, 40])
def test_packets_of_other_lengths_become_frames(make: Make, milliseconds: int) -> None:
    samples = 8 * milliseconds
    sound = b"".join(frame(number) for number in range(12))
    buffer = make()
    for start in range(0, len(sound), samples):
        buffer.put(start, sound[start : start + samples], 0)
    assert drained(buffer, 12) == list(range(12))


def test_a_jump_of_the_timestamp_begins_a_new_stream(make: Make) -> None:
    buffer = make()
    for number in range(3):
        buffer.put(number * FRAME, frame(number), 0)
    for number in range(10, 14):
        buffer.put(1_000_000 + number * FRAME, frame(number), 0)
    assert drained(buffer, 4) == [10, 11, 12, 13]


def test_a_burst_does_not_delay_a_call_for_ever(make: Make) -> None:
    buffer = make()
    for number in range(15):
        buffer.put(number * FRAME, frame(number), 0)
    for number in range(15, 2000):
        buffer.put(number * FRAME, frame(number), 0)
        buffer.take()
    assert buffer.depth <= 4


def test_whatever_comes_is_bounded(make: Make) -> None:
    chance = random.Random(1)
    buffer = make()
    for _ in range(20_000):
        buffer.put(chance.getrandbits(32), chance.randbytes(chance.randrange(0, 2000)), chance.uniform(0, 8000))
        if chance.random() < 0.5:
            buffer.take()
        assert buffer.depth < 200


def test_a_call_of_days_goes_on(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calloff.media.jitter._FAR", 256)
    buffer = make()
    for number in range(2000):
        buffer.put(0x7FFF0000 + number * FRAME & 0xFFFFFFFF, frame(number), 0)
        taken = buffer.take()
        assert number < 3 or (taken is not None and taken[0] == (number - 1) & 0xFF)
