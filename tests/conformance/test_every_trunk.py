"""What the dialer may rely on with any trunk: the same scenes on the simulated trunk and on SIP against SIPp."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from calloff.domain.errors import InvalidInput
from calloff.domain.results import Result
from calloff.trunks.base import Connected, Ended, Ringing, TooLate, Trunk, TrunkUnavailable
from calloff.trunks.simulated import SimulatedTrunk
from tests.conformance.conftest import SipTrunkTo, all_events, request, wait_for
from tests.conformance.far_end import far_end

SCENES = {
    "answers": ("0100", "hang_up", ""),
    "stays": ("0100", "answer", ""),
    "busy": ("0001", "refuse", "486"),
    "rings": ("0002", "ring", ""),
    "declines": ("0003", "refuse", "603"),
    "invalid": ("0004", "refuse", "404"),
    "carrier error": ("0005", "refuse", "503"),
}
"""A scene's name: the simulated trunk's last four digits, and SIPp's scenario and its [status]."""


class Stage(Protocol):
    """A started trunk whose far end plays a scene, and the number to dial."""

    def __call__(self, scene: str) -> AbstractAsyncContextManager[tuple[Trunk, str]]: ...


@pytest.fixture(params=["simulated", "sip"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, sip_trunk_to: SipTrunkTo) -> Stage:
    @asynccontextmanager
    async def simulated(scene: str) -> AsyncIterator[tuple[Trunk, str]]:
        trunk = SimulatedTrunk(speed=10)
        await trunk.start()
        yield trunk, "+1617555" + SCENES[scene][0]
        await trunk.stop()

    @asynccontextmanager
    async def sip(scene: str) -> AsyncIterator[tuple[Trunk, str]]:
        _, scenario, status = SCENES[scene]
        async with far_end(scenario, tmp_path, status=status) as far, sip_trunk_to(far.port) as trunk:
            yield trunk, "+16175550100"
            await far.finish()
            assert len(far.received("INVITE")) == 1

    return simulated if request.param == "simulated" else sip


async def test_answered_until_the_far_end_hangs_up(stage: Stage) -> None:
    async with stage("answers") as (trunk, number):
        leg = await trunk.dial(request(number))
        ringing, connected, ended = await all_events(leg)
        assert isinstance(ringing, Ringing)
        assert isinstance(connected, Connected)
        assert isinstance(ended, Ended)
        assert (ended.result, ended.sip_code) == (Result.ANSWERED, 200)
        assert trunk.write(leg, bytes(320)) == 0
        assert trunk.read(leg, 320) == b""


@pytest.mark.parametrize(
    ("scene", "result", "code"),
    [
        ("busy", Result.BUSY, 486),
        ("declines", Result.DECLINED, 603),
        ("invalid", Result.INVALID_NUMBER, 404),
        ("carrier error", Result.CARRIER_ERROR, 503),
    ],
)
async def test_refused(stage: Stage, scene: str, result: Result, code: int) -> None:
    async with stage(scene) as (trunk, number):
        ended = (await all_events(await trunk.dial(request(number))))[-1]
        assert isinstance(ended, Ended)
        assert (ended.result, ended.sip_code) == (result, code)


async def test_nobody_answers_within_the_ring_timeout(stage: Stage) -> None:
    async with stage("rings") as (trunk, number):
        events = await all_events(await trunk.dial(request(number, ring=0.6)))
        assert events == [Ringing(180), Ended(Result.NO_ANSWER, None, "ring timeout")]


async def test_hung_up_before_the_answer(stage: Stage) -> None:
    async with stage("rings") as (trunk, number):
        leg = await trunk.dial(request(number))
        await wait_for(leg, Ringing)
        await trunk.hang_up(leg)
        assert (await all_events(leg)) == [Ended(Result.NO_ANSWER, None, "hung up by the dialer")]
        await trunk.hang_up(leg)


async def test_hung_up_after_the_answer(stage: Stage) -> None:
    async with stage("stays") as (trunk, number):
        leg = await trunk.dial(request(number))
        assert trunk.write(leg, bytes(320)) == 0
        await wait_for(leg, Connected)
        assert trunk.write(leg, bytes(320)) == 320
        trunk.flush(leg)
        await trunk.send_digits(leg, "1")
        await trunk.hang_up(leg)
        assert (await all_events(leg)) == [Ended(Result.ANSWERED, 200, "hung up by the dialer")]
        await trunk.send_digits(leg, "12,3")


async def test_stopping_hangs_up_and_may_be_repeated(stage: Stage) -> None:
    async with stage("stays") as (trunk, number):
        leg = await trunk.dial(request(number))
        await wait_for(leg, Connected)
        await trunk.stop()
        assert isinstance((await all_events(leg))[-1], Ended)
        await trunk.stop()
        with pytest.raises(TrunkUnavailable):
            await trunk.dial(request(number))


@pytest.fixture(params=["simulated", "sip"])
async def idle(request: pytest.FixtureRequest, sip_trunk_to: SipTrunkTo, tmp_path: Path) -> AsyncIterator[Trunk]:
    """A trunk that must not dial: its far end sees nothing at all."""
    if request.param == "simulated":
        trunk = SimulatedTrunk(speed=10)
        await trunk.start()
        yield trunk
        await trunk.stop()
        return
    async with far_end("refuse", tmp_path, status="500") as far:
        async with sip_trunk_to(far.port) as sip:
            yield sip
        assert far.messages() == []


async def test_nothing_leaves_after_the_deadline(idle: Trunk) -> None:
    with pytest.raises(TooLate):
        await idle.dial(request(within=-0.001))


INJECTIONS = [
    "",
    "+",
    "123456",
    "1" * 16,
    "+1617555\r\nX-Evil: 1",
    "16175550100\n",
    "16175550100;user=phone",
    "16175550100@evil.example",
    "<sip:16175550100>",
    "16175550100>",
    '"x"16175550100',
    "+1617 5550100",
    "١٢٣٤٥٦٧٨",
    "16175550100\x00",
    "16175550100%0d%0aX:1",
    "16175550100?Subject=x",
]


@pytest.mark.parametrize("bad", INJECTIONS)
async def test_what_is_not_a_number_is_refused(idle: Trunk, bad: str) -> None:
    for attempt in (request(bad), request(caller_id=bad)):
        with pytest.raises(InvalidInput) as error:
            await idle.dial(attempt)
        assert "555" not in error.value.message


async def test_what_is_no_key_is_refused(stage: Stage) -> None:
    async with stage("stays") as (trunk, number):
        leg = await trunk.dial(request(number))
        await wait_for(leg, Connected)
        with pytest.raises(InvalidInput):
            await trunk.send_digits(leg, "12\r\nX")
        await trunk.hang_up(leg)
