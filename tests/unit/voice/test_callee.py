"""Who answered, measured on a synthesized corpus, and heard on a call."""

import asyncio
from collections import Counter

import numpy
import pytest

from calloff.domain.results import CalleeType
from calloff.trunks.base import Connected
from calloff.voice.callee import CalleeDetector
from calloff.voice.line import Line
from calloff.voice.tones import level, single_tone, tone_share
from tests.support import callees
from tests.support.loopback import LoopbackTrunk
from tests.support.permits import permit

LEAST_RIGHT = {
    CalleeType.VOICE: 0.70,
    CalleeType.ANSWERING_MACHINE: 0.95,
    CalleeType.FAX: 1.0,
    CalleeType.UNKNOWN: 0.85,
}
"""The share of right answers, long greetings of people and companies included."""


def test_the_callee_is_told_as_well_as_the_documentation_says() -> None:
    counts = callees.confusion()
    total: Counter[CalleeType] = Counter()
    right: Counter[CalleeType] = Counter()
    for (_, callee, answer), count in counts.items():
        total[callee] += count
        right[callee] += count if answer is callee else 0
    shares = {callee: right[callee] / total[callee] for callee in total}
    assert all(shares[callee] >= least for callee, least in LEAST_RIGHT.items()), shares
    measured, documented = callees.table(counts), callees.documented()
    if measured.splitlines()[0] == documented.splitlines()[0]:
        assert measured == documented, "run python -m tests.support.callees"


def test_there_is_an_answer_after_four_seconds_and_it_stays() -> None:
    detector = CalleeDetector()
    answers = [detector.feed(bytes(320)) for _ in range(200)]
    assert set(answers[:199]) == {CalleeType.PROCESSING}
    assert answers[199] is CalleeType.UNKNOWN
    tone = (9000 * numpy.sin(2 * numpy.pi * 2100 * numpy.arange(160) / 8000)).astype("<i2").tobytes()
    assert {detector.feed(tone) for _ in range(50)} == {CalleeType.UNKNOWN}


@pytest.mark.parametrize("frequency", [1100, 2100])
def test_a_tone_is_measured_by_its_share_of_the_sound(frequency: float) -> None:
    time = numpy.arange(160) / 8000
    tone = 0.25 * numpy.sin(2 * numpy.pi * frequency * time)
    other = 0.25 * numpy.sin(2 * numpy.pi * 500 * time)
    assert tone_share(tone, frequency) == pytest.approx(1, abs=0.02)
    assert tone_share(tone + other, frequency) == pytest.approx(0.5, abs=0.05)
    assert tone_share(other, frequency) < 0.02
    assert tone_share(numpy.zeros(160), frequency) == 0
    assert level(tone) == pytest.approx(-15.05, abs=0.1)
    assert single_tone(tone) == pytest.approx(frequency, abs=50)
    assert single_tone(tone + other) is None


@pytest.mark.parametrize("heard", ["fax", "nothing"])
async def test_a_line_learns_who_answered_from_what_it_hears(heard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calloff.voice.line._LATEST", 0.4)
    trunk = LoopbackTrunk(callee_type=None)
    leg = await trunk.dial(permit("+15551230000"))
    connected = await leg.next_event()
    assert isinstance(connected, Connected)
    async with Line(trunk, leg, connected) as line:
        before = line.callee_type
        if heard == "fax":
            fax = next(sample for sample in callees.corpus() if sample.kind == "fax answers (CED)")
            trunk.say(b"".join(callees.frames(fax.sound)))
        async with asyncio.timeout(2):
            while line.callee_type is CalleeType.PROCESSING:
                await asyncio.sleep(0.02)
        assert before is CalleeType.PROCESSING
        assert line.callee_type is (CalleeType.FAX if heard == "fax" else CalleeType.UNKNOWN)
