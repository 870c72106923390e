"""SIP as SIPp sees it: authentication, provisional answers, races and repeats; one INVITE per attempt throughout."""

import hashlib
import logging
import re
from pathlib import Path

import pytest

from calloff.domain.results import Result
from calloff.trunks.base import Connected, Ended, Ringing
from tests.conformance.conftest import CALLER, NUMBER, SipTrunkTo, all_events, request, wait_for
from tests.conformance.far_end import far_end


@pytest.mark.parametrize(("status", "challenge"), [("401", "WWW-Authenticate"), ("407", "Proxy-Authenticate")])
async def test_a_challenge_is_answered_with_the_digest_of_the_password(
    status: str, challenge: str, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    secret = "s3cret; with blanks"
    async with far_end("challenge", tmp_path, status=status, challenge=challenge) as far:
        async with sip_trunk_to(far.port, user="calls", auth_user="acct_7f3a", password=secret) as trunk:
            leg = await trunk.dial(request())
            await wait_for(leg, Connected)
            await trunk.hang_up(leg)
        await far.finish()
        bare, signed = far.received("INVITE")
    assert not bare.has("(Proxy-)?Authorization")
    assert bare.header("Call-ID") == signed.header("Call-ID")
    given = dict(re.findall(r'(\w+)="([^"]*)"', signed.header("Authorization" if status == "401" else "Proxy-.*?")))
    who, what = _md5("acct_7f3a", "carrier", secret), _md5("INVITE", given["uri"])
    assert given["response"] == _md5(who, given["nonce"], what)


def _md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode()).hexdigest()


async def test_the_right_password_is_taken(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with far_end("auth", tmp_path, user="calls", secret="right") as far:
        async with sip_trunk_to(far.port, user="calls", password="right") as trunk:
            leg = await trunk.dial(request())
            await wait_for(leg, Connected)
            await trunk.hang_up(leg)
        await far.finish()


@pytest.mark.parametrize(("scenario", "code"), [("auth", 403), ("stubborn", 407)])
async def test_the_wrong_password_is_rejected_after_one_try(
    scenario: str, code: int, tmp_path: Path, sip_trunk_to: SipTrunkTo, caplog: pytest.LogCaptureFixture
) -> None:
    async with far_end(scenario, tmp_path, user="calls", secret="right") as far:
        async with sip_trunk_to(far.port, user="calls", password="wr0ng-canary") as trunk:
            events = await all_events(await trunk.dial(request()))
        await far.finish()
        assert isinstance(events[-1], Ended)
        assert (events[-1].result, events[-1].sip_code) == (Result.REJECTED, code)
        assert len(far.received("INVITE")) == 2
    assert "wr0ng-canary" not in caplog.text


async def test_a_redirect_is_not_followed(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with far_end("refuse", tmp_path, status="302") as far, sip_trunk_to(far.port) as trunk:
        events = await all_events(await trunk.dial(request()))
        assert events == [Ended(Result.CARRIER_ERROR, 302, "No")]
        await far.finish()
        assert len(far.received("INVITE")) == 1


async def test_provisional_answers_come_before_the_answer(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with far_end("provisional", tmp_path) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        ringing = [await wait_for(leg, Ringing) for _ in range(2)]
        assert {event.sip_code for event in ringing} <= {180, 181, 183}
        await wait_for(leg, Connected)
        await trunk.hang_up(leg)
        await far.finish()
        assert len(far.received("INVITE")) == 1


async def test_an_announcement_before_a_refusal_is_no_answer(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with far_end("early_busy", tmp_path) as far, sip_trunk_to(far.port) as trunk:
        ringing, ended = await all_events(await trunk.dial(request()))
        assert ringing == Ringing(183)
        assert ended == Ended(Result.BUSY, 486, "Busy Here")
        await far.finish()


async def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_ended(
    tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    async with far_end("crossing", tmp_path) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Ringing)
        await trunk.hang_up(leg)
        assert await all_events(leg) == [Ended(Result.NO_ANSWER, None, "hung up by the dialer")]
        await far.finish()
        methods = [message.method for message in far.messages() if message.inward]
        assert methods == ["INVITE", "CANCEL", "ACK", "BYE"]


@pytest.mark.parametrize("scenario", ["late_ring", "late_answer"])
async def test_a_far_end_that_is_first_heard_after_the_hang_up_does_not_ring_on(
    scenario: str, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    async with far_end(scenario, tmp_path) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request(ring=0.1))
        # The attempt is over when nothing of it can ring any more, and not when it was given up (promise S1).
        *_, ended = await all_events(leg)
        assert ended == Ended(Result.NO_ANSWER, None, "ring timeout")
        await far.finish()
        assert len(far.received("INVITE")) == 1


@pytest.mark.parametrize("scenario", ["duplicate", "lost_ack"])
async def test_a_repeated_answer_is_acknowledged_again_and_is_one_answer(
    scenario: str, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    async with far_end(scenario, tmp_path, repeats=True) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        answers = 2 if scenario == "duplicate" else 3
        await far.wait_until(lambda messages: sum(m.inward and m.method == "ACK" for m in messages) == answers)
        await trunk.hang_up(leg)
        assert await all_events(leg) == [Ended(Result.ANSWERED, 200, "hung up by the dialer")]
        await far.finish()
        assert len(far.received("INVITE")) == 1


async def test_an_answer_in_a_codec_that_was_not_offered_is_no_call(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with far_end("no_codec", tmp_path) as far, sip_trunk_to(far.port) as trunk:
        events = await all_events(await trunk.dial(request()))
        assert isinstance(events[-1], Ended)
        assert events[-1].result is Result.CARRIER_ERROR
        await far.finish()


@pytest.mark.parametrize(
    ("how", "header", "value"),
    [
        ("from", "From", f"<sip:{CALLER}@"),
        ("pai", "P-Asserted-Identity", f"<sip:{CALLER}@"),
        ("rpid", "Remote-Party-ID", f"<sip:{CALLER}@"),
    ],
)
async def test_the_caller_id_stands_where_the_carrier_wants_it(
    how: str, header: str, value: str, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    async with far_end("refuse", tmp_path, status="486") as far:
        async with sip_trunk_to(far.port, user="calls", caller_id_header=how) as trunk:
            await all_events(await trunk.dial(request()))
        (invite,) = far.received("INVITE")
        assert value in invite.header(header)
        assert invite.first_line.startswith(f"INVITE sip:{NUMBER}@127.0.0.1:{far.port}")
        if how != "from":
            assert "<sip:calls@" in invite.header("From")


@pytest.mark.parametrize("caller_id", ["+18005550102", "18005550103", None])
async def test_each_call_shows_its_own_caller_id(
    caller_id: str | None, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    async with far_end("refuse", tmp_path, calls=2, status="486") as far, sip_trunk_to(far.port) as trunk:
        await all_events(await trunk.dial(request()))
        await all_events(await trunk.dial(request(caller_id=caller_id)))
        await far.finish()
        shown = [invite.header("From").split("@")[0] for invite in far.received("INVITE")]
        assert shown == [f"<sip:{CALLER}", f"<sip:{caller_id or 'calloff'}"]


async def test_no_number_reaches_the_log(
    tmp_path: Path, sip_trunk_to: SipTrunkTo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with far_end("hang_up", tmp_path) as far, sip_trunk_to(far.port) as trunk:
        await all_events(await trunk.dial(request()))
    for record in caplog.records:
        assert not {NUMBER[1:], CALLER[1:]} & set(re.findall(r"[0-9]{5,}", str(record.__dict__)))
