"""Far ends that made an earlier SIP client ring twice, lose who had answered, or leave somebody on the line."""

import asyncio
from pathlib import Path

import pytest

from calloff.domain.results import Result, may_retry
from calloff.trunks.base import Connected, Digit, Ended
from tests.conformance.conftest import SipTrunkTo, all_events, request, wait_for
from tests.conformance.far_end import FarEnd, far_end
from tests.conformance.script import (
    ask,
    invited,
    pause,
    requested,
    respond,
    respond_to_last,
    responded,
    script,
    sdp,
)


async def test_the_second_fork_that_answers_is_acknowledged_and_hung_up_on_in_its_own_dialog(
    tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    forks = script(
        invited(),
        respond(180, tag="one"),
        respond(180, tag="two"),
        respond(200, tag="one", sdp=sdp()),
        requested("ACK"),
        respond(200, tag="two", sdp=sdp()),
        requested("ACK"),
        requested("BYE"),
        respond_to_last(),
        requested("BYE"),
        respond_to_last(),
    )
    async with far_end(forks, tmp_path) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        await far.wait_until(lambda messages: any(m.inward and m.method == "BYE" for m in messages))
        await trunk.hang_up(leg)
        await far.finish()
        tags = [message.header("To").rpartition("tag=")[2] for message in far.received("ACK") + far.received("BYE")]
    assert tags == ["one", "two", "two", "one"]


async def test_a_challenge_after_the_ringing_is_answered_with_the_uri_and_to_of_before(
    tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    late = script(
        invited(),
        respond(180),
        respond(407, 'Proxy-Authenticate: Digest realm="carrier", nonce="1", algorithm=MD5, qop="auth,auth-int"'),
        requested("ACK"),
        requested("INVITE"),
        respond_to_last(200, tag="far", sdp=sdp(), contact=True),
        requested("ACK"),
        requested("BYE"),
        respond_to_last(),
    )
    async with far_end(late, tmp_path) as far, sip_trunk_to(far.port, user="calls", password="right") as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        await trunk.hang_up(leg)
        await far.finish()
        first, second = far.received("INVITE")
    assert (first.first_line, first.header("To")) == (second.first_line, second.header("To"))


@pytest.mark.parametrize(
    ("status", "headers", "result", "again"),
    [
        (407, (), Result.REJECTED, False),
        (401, ('WWW-Authenticate: Bearer realm="carrier"',), Result.REJECTED, False),
        (607, ('Reason: Q.850;cause=17;text="User busy"',), Result.DECLINED, False),
        (608, (), Result.DECLINED, False),
        (603, (), Result.DECLINED, True),
        (480, ("Reason: Q.850;cause=1",), Result.INVALID_NUMBER, False),
        (500, ("Reason: Q.850;cause=17",), Result.BUSY, True),
    ],
)
async def test_a_refusal_ends_the_call_at_once_as_what_it_is(
    status: int, headers: tuple[str, ...], result: Result, again: bool, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    refusal = script(invited(), respond(status, *headers), requested("ACK"), pause(700))
    async with far_end(refusal, tmp_path) as far:
        async with sip_trunk_to(far.port, user="calls", password="right") as trunk:
            end = (await all_events(await trunk.dial(request())))[-1]
            assert isinstance(end, Ended)
            assert (end.result, end.sip_code) == (result, status)
        await far.finish()
        assert len(far.received("INVITE")) == 1
    assert may_retry(end.result, end.sip_code) is again


def _talking(*steps: str) -> str:
    return script(
        invited(),
        respond(180),
        respond(200, sdp=sdp()),
        requested("ACK"),
        *steps,
        requested("BYE"),
        respond_to_last(),
    )


@pytest.mark.parametrize(
    ("asked", "headers", "status", "told"),
    [
        ("OPTIONS", (), 200, "Allow"),
        ("REFER", ("Refer-To: <sip:6175559999@127.0.0.1:9>",), 603, None),
        ("INVITE", ("Require: x-unheard-of",), 420, "Unsupported"),
        ("MESSAGE", (), 405, "Allow"),
    ],
)
async def test_what_is_asked_in_a_call_is_answered_as_the_standard_says(
    asked: str, headers: tuple[str, ...], status: int, told: str | None, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    body = sdp(version=2) if asked == "INVITE" else ""
    acknowledged = (_ack(),) if asked == "INVITE" else ()
    steps = _talking(ask(asked, 5, *headers, sdp=body), responded(status), *acknowledged)
    async with far_end(steps, tmp_path) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        await _seen(far, str(status))
        await trunk.hang_up(leg)
        await far.finish()
        (response,) = [m for m in far.messages() if m.inward and m.method == str(status)]
        assert len(far.received("INVITE")) == 1
    if told is not None:
        assert response.header(told)
        assert "REFER" not in response.header(told)


def _ack() -> str:
    """Acknowledge a refusal of our request, in its transaction."""
    lines = (
        "ACK [$uri] SIP/2.0",
        "[last_Via:]",
        "[last_From:]",
        "[last_To:]",
        "[last_Call-ID:]",
        "CSeq: 5 ACK",
        "Max-Forwards: 70",
        "Content-Length: 0",
    )
    return "<send><![CDATA[\n" + "\n".join(lines) + "\n\n]]></send>"


async def _seen(far: FarEnd, method: str) -> None:
    await far.wait_until(lambda messages: any(m.inward and m.method == method for m in messages))


@pytest.mark.parametrize(
    "held", [sdp("sendonly"), sdp("inactive"), sdp(host="0.0.0.0")], ids=["sendonly", "inactive", "old"]
)
async def test_an_answer_on_hold_is_an_answer_and_goes_on(held: str, tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    steps = script(
        invited(),
        respond(200, sdp=held),
        requested("ACK"),
        pause(200),
        ask("INVITE", 5, sdp=sdp(version=2)),
        responded(200),
        _ack(),
        requested("BYE"),
        respond_to_last(),
    )
    async with far_end(steps, tmp_path) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        await _seen(far, "200")
        await trunk.hang_up(leg)
        end = (await all_events(leg))[-1]
        await far.finish()
    assert end == Ended(Result.ANSWERED, 200, "hung up by the dialer")


async def test_an_answer_without_contact_is_acknowledged_and_talks(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    bare = script(
        invited(), respond(200, sdp=sdp(), contact=False), requested("ACK"), requested("BYE"), respond_to_last()
    )
    async with far_end(bare, tmp_path) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        await trunk.hang_up(leg)
        await far.finish()


async def test_keys_by_info_are_keys(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    relay = "Signal=7\nDuration=160\n"
    lines = (
        "INFO [$uri] SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        "From:[$to];tag=far",
        "To:[$from]",
        "[last_Call-ID:]",
        "CSeq: 5 INFO",
        "Max-Forwards: 70",
        "Content-Type: application/dtmf-relay",
        "Content-Length: [len]",
    )
    info = "<send><![CDATA[\n" + "\n".join(lines) + f"\n\n{relay}\n]]></send>"
    async with far_end(_talking(info, responded(200)), tmp_path) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        assert await wait_for(leg, Digit) == Digit("7")
        await _seen(far, "200")
        await trunk.hang_up(leg)
        await far.finish()


async def test_a_trunk_in_a_storm_of_refusals_leaves_the_calls_of_another_alone(
    tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    """Each number is dialed once, and each answer is taken, while another carrier repeats its refusals."""
    calls = 40
    storm = script(invited(), respond(486, times=6), requested("ACK"), *(5 * [requested("ACK", optional=True)]))
    answers = script(invited(), respond(200, sdp=sdp()), requested("ACK"), requested("BYE"), respond_to_last())
    loud = far_end(storm, tmp_path, calls=10 * calls, repeats=True)
    async with loud as noise, far_end(answers, tmp_path, calls=calls) as far:
        async with sip_trunk_to(noise.port) as stormy, sip_trunk_to(far.port) as trunk:
            storming = asyncio.create_task(_refuse_on_and_on(stormy))
            try:
                for _ in range(calls):
                    leg = await trunk.dial(request())
                    await wait_for(leg, Connected)
                    await trunk.hang_up(leg)
            finally:
                storming.cancel()
        await far.finish()
        assert len(far.received("INVITE")) == len(far.received("BYE")) == calls


async def _refuse_on_and_on(trunk: object) -> None:
    while True:
        leg = await trunk.dial(request())  # type: ignore[attr-defined]
        while not isinstance(await leg.next_event(), Ended):
            pass
