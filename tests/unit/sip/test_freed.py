"""A call that is over is freed at once: the garbage collector, which would have to find it, stops the whole dialer."""

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from tests.unit.sip.far_end import ANSWER, CREDENTIALS, Line


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def answered_and_hung_up(line: Line) -> None:
    call, invite = line.ringing()
    line.answer(invite, 200, body=ANSWER)
    call.hang_up(line.now)
    line.pump()
    line.answer(line.requests("BYE")[0], 200)


def refused(line: Line) -> None:
    line.dial()
    line.answer(line.requests("INVITE")[0], 486)


def challenged_and_refused(line: Line) -> None:
    line.dial(credentials=CREDENTIALS)
    challenge = 'Digest realm="carrier", nonce="one", algorithm=MD5'
    line.answer(line.requests("INVITE")[0], 401, headers=[("www-authenticate", challenge)])
    line.answer(line.requests("INVITE")[-1], 403)


def never_answered(line: Line) -> None:
    line.dial(ring_timeout=8.0)
    line.wait(60)


def ended_by_them(line: Line) -> None:
    line.talking()
    line.ask("BYE")


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize(
    "happens", [answered_and_hung_up, refused, challenged_and_refused, never_answered, ended_by_them]
)
def test_a_call_that_is_over_is_freed_without_a_collector(happens: Callable[[Line], None]) -> None:
    line = Line()
    happens(line)
    calls = [weakref.ref(machine) for machines in line.agent._machines.values() for machine in machines]
    if not calls:
        calls = [weakref.ref(send.owner) for _, _, send in line.left if send.owner is not None]
    assert calls
    line.wait(200)
    assert line.agent.machines == 0
    line.left.clear()
    line.events.clear()
    line.agent.next_timer()
    assert [call() for call in calls] == [None] * len(calls)
