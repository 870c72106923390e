"""A call from its INVITE to its end (RFC 3261 sections 9, 13, 15 and 17)."""

import pytest

from calloff.sip.errors import InvalidMessage, TooLongForUdp
from calloff.sip.events import Answered, EndCause, Ended, Progress, Rang, SendResult
from calloff.sip.message import Request
from calloff.sip.sdp import LocalMedia
from calloff.sip.setup import Local
from tests.unit.sip.far_end import ANSWER, SETUP, Line, name


def test_a_call_is_answered_and_hung_up() -> None:
    line = Line()
    call, invite = line.ringing()
    line.answer(invite, 200, body=ANSWER)
    assert line.names() == ["INVITE", "ACK"]
    ack = line.requests("ACK")[0]
    assert (ack.uri, ack.cseq.number, ack.to_tag) == ("sip:callee@192.0.2.20:5060", 7, "theirs")
    assert ack.via.branch != invite.via.branch
    call.hang_up(line.now)
    line.pump()
    (bye,) = line.requests("BYE")
    assert (bye.uri, bye.cseq.number, bye.to_tag, bye.from_tag) == (ack.uri, 8, "theirs", "ours")
    line.answer(bye, 200)
    progress, answered, ended = line.events
    assert progress == Progress(180)
    assert isinstance(answered, Answered)
    assert answered.media is not None
    assert (answered.media.host, answered.media.port) == ("192.0.2.20", 40000)
    assert ended == Ended(EndCause.HUNG_UP_BY_US, Rang.YES, answered=True, code=200)
    line.wait(70)
    assert line.agent.machines == 0


def test_they_hang_up() -> None:
    line = Line()
    line.talking()
    assert line.ask("BYE", headers=[("reason", "Q.850;cause=16")]).status == 200
    (ended,) = line.of(Ended)
    assert (ended.cause, ended.reason and ended.reason.q850) == (EndCause.HUNG_UP_BY_THEM, 16)
    assert line.names() == ["200"]
    line.wait(70)
    assert line.agent.machines == 0


@pytest.mark.parametrize("status", [302, 404, 486, 503, 603])
def test_a_refusal_is_acknowledged_as_often_as_it_comes_and_ends_the_call_once(status: int) -> None:
    line = Line()
    line.dial()
    (invite,) = line.requests("INVITE")
    for _ in range(3):
        line.answer(invite, status, headers=[("retry-after", "30 (busy)")], phrase="No")
    acks = line.requests("ACK")
    assert [(ack.via.branch, ack.uri, ack.to_tag) for ack in acks] == [(invite.via.branch, invite.uri, "theirs")] * 3
    (ended,) = line.of(Ended)
    assert (ended.cause, ended.code, ended.phrase, ended.retry_after) == (EndCause.REFUSED, status, "No", 30.0)
    line.wait(70)
    assert len(line.requests("INVITE")) == 1
    assert line.agent.machines == 0


def test_nobody_responds() -> None:
    line = Line()
    line.dial()
    line.wait(31.9)
    instants = [at - 1000 for at, message, _ in line.left if name(message) == "INVITE"]
    assert instants == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert not line.events
    line.wait(0.1)
    assert line.of(Ended) == [
        Ended(EndCause.NO_RESPONSE, Rang.UNKNOWN, answered=False, note="no response came"),
    ]
    line.wait(60)
    assert len(line.requests("INVITE")) == 7
    assert line.agent.machines == 0


def test_who_answers_after_all_hope_is_gone_is_hung_up_on() -> None:
    line = Line()
    line.dial()
    line.wait(40)
    line.answer(line.requests("INVITE")[0], 200, body=ANSWER)
    assert line.names()[-2:] == ["ACK", "BYE"]
    assert len(line.of(Ended)) == 1


def test_over_tcp_nothing_is_repeated() -> None:
    line = Line()
    line.dial(local=Local("tcp", "192.0.2.10", 5060))
    line.wait(33)
    assert line.names() == ["INVITE"]
    assert line.left[0][1].via.transport == "tcp"
    assert line.of(Ended)[0].cause is EndCause.NO_RESPONSE


@pytest.mark.parametrize("result", [SendResult.NOT_SENT, SendResult.SENT])
def test_what_did_not_leave_is_not_sent(result: SendResult) -> None:
    """Whether the kernel refused it, or its deadline had passed."""
    line = Line()
    line.takes = result
    if result is SendResult.SENT:
        line.now = SETUP.deadline + 0.001
    line.dial()
    line.wait(60)
    assert not line.left
    assert line.of(Ended) == [Ended(EndCause.NOT_SENT, Rang.NO, answered=False, note="no INVITE was sent")]
    assert line.agent.machines == 0


def test_what_may_have_left_is_waited_for() -> None:
    line = Line()
    line.takes = SendResult.UNKNOWN
    line.dial()
    line.wait(0.6)
    assert line.names() == ["INVITE", "INVITE"]
    line.wait(40)
    assert line.of(Ended)[0].rang is Rang.UNKNOWN


def test_hung_up_before_the_shell_has_sent_it() -> None:
    line = Line()
    call = line.agent.dial(SETUP, line.now)
    (send,) = line.agent.take_sends()
    call.hang_up(line.now)
    assert not send.allowed(line.now)
    line.agent.sent(send, SendResult.NOT_SENT, line.now)
    line.pump()
    assert line.of(Ended) == [Ended(EndCause.NOT_SENT, Rang.NO, answered=False, note="no INVITE was sent")]


def test_no_copy_leaves_once_a_silent_call_was_given_up() -> None:
    """The end comes when the last copy can be in no network any more (T4)."""
    line = Line()
    call = line.dial()
    line.wait(2)
    assert line.names() == ["INVITE"] * 3
    call.hang_up(line.now)
    line.pump()
    line.wait(1.5 + 5 - 2 - 0.001)
    assert not line.events
    line.wait(0.002)
    (ended,) = line.of(Ended)
    assert (ended.cause, ended.rang) == (EndCause.HUNG_UP_BY_US, Rang.UNKNOWN)
    line.wait(70)
    assert not line.new()
    assert line.agent.machines == 0


def test_a_copy_that_the_shell_still_holds_is_taken_back() -> None:
    line = Line()
    call = line.dial()
    line.agent.handle_timers(line.now + 0.5)
    (copy,) = line.agent.take_sends()
    call.hang_up(line.now + 0.5)
    assert not copy.allowed(line.now + 0.5)


def test_a_cancel_waits_for_a_provisional_response() -> None:
    """RFC 3261 section 9.1 (trap 3)."""
    line = Line()
    call = line.dial()
    call.hang_up(line.now)
    line.pump()
    assert line.names() == ["INVITE"]
    line.wait(1)
    (invite,) = line.requests("INVITE")
    line.answer(invite, 100, tag="")
    (cancel,) = line.requests("CANCEL")
    assert (cancel.uri, cancel.via.branch, cancel.cseq.number, cancel.to_tag) == (invite.uri, invite.via.branch, 7, "")
    assert cancel.need("to") == invite.need("to")
    line.answer(cancel, 200)
    line.answer(invite, 487)
    (ended,) = line.of(Ended)
    assert (ended.cause, ended.code, ended.rang) == (EndCause.HUNG_UP_BY_US, 487, Rang.NO)
    assert line.names() == ["CANCEL", "ACK"]


def test_an_answer_wins_over_a_cancel() -> None:
    """RFC 3261 section 9.1 (trap 3): ACK and BYE, and no `Answered`."""
    line = Line()
    call, invite = line.ringing()
    call.hang_up(line.now)
    line.pump()
    line.answer(invite, 200, body=ANSWER)
    assert line.names() == ["INVITE", "CANCEL", "ACK", "BYE"]
    assert not line.of(Answered)
    (ended,) = line.of(Ended)
    assert (ended.cause, ended.code, ended.answered, ended.rang) == (EndCause.HUNG_UP_BY_US, 200, False, Rang.YES)


def test_a_487_that_never_comes() -> None:
    """RFC 3261 section 9.1 (trap 3): over after 64·T1; an answer after that still gets ACK and BYE."""
    line = Line()
    call, invite = line.ringing()
    call.hang_up(line.now)
    line.pump()
    line.answer(line.requests("CANCEL")[0], 200)
    line.wait(31.9)
    assert not line.of(Ended)
    line.wait(0.2)
    assert line.of(Ended)[0].cause is EndCause.HUNG_UP_BY_US
    line.answer(invite, 200, body=ANSWER)
    assert line.names() == ["INVITE", "CANCEL", "ACK", "BYE"]
    line.wait(140)
    assert line.agent.machines == 0
    assert len(line.of(Ended)) == 1


def test_a_cancel_is_repeated_until_it_is_answered() -> None:
    line = Line()
    call, _ = line.ringing()
    call.hang_up(line.now)
    line.pump()
    line.wait(4)
    assert line.names() == ["INVITE", "CANCEL", "CANCEL", "CANCEL", "CANCEL"]


def test_nobody_picks_up_in_time() -> None:
    line = Line()
    line.ringing(ring_timeout=20.0)
    line.wait(20)
    assert line.names() == ["INVITE", "CANCEL"]
    line.answer(line.requests("INVITE")[0], 487)
    (ended,) = line.of(Ended)
    assert (ended.cause, ended.rang) == (EndCause.RING_TIMEOUT, Rang.YES)


def test_who_wakes_from_a_freeze_sends_no_copy_at_once() -> None:
    """What was decided meanwhile reaches the process first."""
    line = Line()
    line.dial()
    line.now += 10
    line.agent.handle_timers(line.now)
    line.pump()
    assert line.names() == ["INVITE"]
    line.wait(1)
    assert line.names() == ["INVITE"]


def test_who_wakes_after_the_ring_timeout_sends_none_at_all() -> None:
    line = Line()
    line.dial(ring_timeout=3.0)
    line.now += 3.4
    line.agent.handle_timers(line.now)
    line.pump()
    line.wait(60)
    assert line.names() == ["INVITE"]


def test_forks_that_both_answer() -> None:
    """RFC 3261 section 13.2.2.4 (trap 1): the second gets ACK and BYE in its own dialog."""
    line = Line()
    call = line.dial()
    (invite,) = line.requests("INVITE")
    line.answer(invite, 180, tag="a")
    line.answer(invite, 180, tag="b")
    line.answer(invite, 200, tag="a", body=ANSWER, contact="<sip:a@192.0.2.31>")
    line.answer(
        invite,
        200,
        tag="b",
        body=ANSWER,
        contact="<sip:b@192.0.2.32>",
        headers=[("record-route", "<sip:p.example;lr>")],
    )
    first, second = line.requests("ACK")
    (bye,) = line.requests("BYE")
    assert (first.to_tag, first.uri) == ("a", "sip:a@192.0.2.31")
    assert (second.to_tag, second.uri, second.get("route")) == ("b", "sip:b@192.0.2.32", "<sip:p.example;lr>")
    assert (bye.to_tag, bye.uri, bye.get("route")) == ("b", "sip:b@192.0.2.32", "<sip:p.example;lr>")
    assert not line.of(Ended)
    call.hang_up(line.now)
    line.pump()
    assert line.requests("BYE")[1].to_tag == "a"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_repeated_200_gets_the_same_ack_also_after_the_bye(transport: str) -> None:
    """RFC 6026 (trap 2): for 64·T1, over TCP, too."""
    line = Line()
    call = line.talking(local=Local(transport, "192.0.2.10", 5060))  # type: ignore[arg-type]
    invite, ack = line.requests("INVITE")[0], line.requests("ACK")[0]
    line.answer(invite, 200, body=ANSWER)
    call.hang_up(line.now)
    line.pump()
    line.answer(line.requests("BYE")[0], 200)
    line.wait(31)
    line.answer(invite, 200, body=ANSWER)
    assert [again.encode() for again in line.requests("ACK")] == [ack.encode()] * 3
    assert len(line.of(Answered)) == 1


def test_provisional_responses_are_no_answer() -> None:
    """RFC 3261 section 13.2.2.1, RFC 6228 (trap 7): 183 with SDP, then any in any order."""
    line = Line()
    line.dial()
    (invite,) = line.requests("INVITE")
    line.answer(invite, 183, body=ANSWER)
    for status in (180, 181, 199, 182):
        line.answer(invite, status)
    assert [event.code for event in line.of(Progress)] == [183, 180, 181, 199, 182]
    assert line.of(Progress)[0].media is not None
    line.answer(invite, 200)
    (answered,) = line.of(Answered)
    assert answered.media is not None


def test_an_answer_without_contact_is_answered() -> None:
    """RFC 3261 section 12.1.2 (trap 15): ACK and BYE go where the INVITE went."""
    line = Line()
    call = line.dial()
    line.answer(line.requests("INVITE")[0], 200, body=ANSWER, contact=None)
    assert line.of(Answered)
    call.hang_up(line.now)
    line.pump()
    assert {(name(m), send.to) for _, m, send in line.left[1:]} == {("ACK", None), ("BYE", None)}
    assert line.requests("BYE")[0].uri == SETUP.request_uri


def test_routes_go_back_in_reverse() -> None:
    """RFC 3261 sections 12.1.2 and 16.12.1 (trap 15), with Contact elsewhere."""
    line = Line()
    call = line.dial()
    routes = [
        ("record-route", "<sip:near.example;lr>, <sip:mid.example:5070;lr>"),
        ("record-route", "<sip:far.example>"),
    ]
    line.answer(line.requests("INVITE")[0], 200, body=ANSWER, headers=routes, contact="<sip:callee@10.0.0.9>")
    call.hang_up(line.now)
    line.pump()
    for method in ("ACK", "BYE"):
        # The first route has no `lr`: strict routing (section 12.2.1.1).
        (request,) = line.requests(method)
        assert request.uri == "sip:far.example"
        assert request.values("route") == [
            "<sip:mid.example:5070;lr>", "<sip:near.example;lr>", "<sip:callee@10.0.0.9>"
        ]  # fmt: skip
    assert [send.to and send.to.host for _, m, send in line.left if name(m) != "INVITE"] == ["far.example"] * 2


def test_an_answer_without_sound_is_answered() -> None:
    """Trap 19: no SDP in the 200 at all, and a port of 0."""
    for body in (b"", ANSWER.replace(b"40000", b"0")):
        line = Line()
        line.dial()
        line.answer(line.requests("INVITE")[0], 200, body=body)
        assert [event.media for event in line.of(Answered)] == [None]
        assert line.names() == ["INVITE", "ACK"]


def test_a_bye_that_nobody_answers() -> None:
    """Trap 20: 481 or silence."""
    line = Line()
    call = line.talking()
    call.hang_up(line.now)
    line.pump()
    line.wait(70)
    assert len(line.requests("BYE")) == 11
    assert line.agent.machines == 0
    assert len(line.of(Ended)) == 1


def test_the_connection_breaks_before_the_answer() -> None:
    line = Line()
    call = line.dial(local=Local("tcp", "192.0.2.10", 5060))
    call.transport_failed(line.now)
    line.pump()
    line.wait(6)
    (ended,) = line.of(Ended)
    assert (ended.cause, ended.rang) == (EndCause.TRANSPORT, Rang.UNKNOWN)


def test_what_is_too_long_for_a_datagram() -> None:
    """RFC 3261 section 18.1.1 (trap 17): TCP, or a clear refusal."""
    line = Line()
    long = (("Identity", "x" * 900),)
    with pytest.raises(TooLongForUdp):
        line.dial(headers=long)
    assert not line.agent.take_sends()
    line.dial(headers=long, stream=Local("tcp", "192.0.2.10", 5070))
    (_, invite, send) = line.left[0]
    assert isinstance(invite, Request)
    assert (invite.via.transport, send.transport) == ("tcp", "tcp")
    assert "192.0.2.10:5070;transport=tcp" in (invite.get("contact") or "")
    line.answer(invite, 200, body=ANSWER)
    assert line.left[-1][2].transport == "udp"


@pytest.mark.parametrize(
    "changes",
    [
        {"request_uri": "sip:+49 30@x"},
        {"request_uri": "sip:a@x\r\nEvil: 1"},
        {"from_uri": "sip:a@x>;tag=1"},
        {"to_uri": "nobody"},
        {"display_name": "a\r\nEvil: 1"},
        {"contact_user": "a@b>"},
        {"headers": (("X-Yes", "1\r\nEvil: 1"),)},
        {"headers": (("X Evil", "1"),)},
        {"headers": (("call-id", "again"),)},
        {"user_agent": "a\0b"},
    ],
)
def test_nothing_leaves_that_is_no_valid_message(changes: dict[str, object]) -> None:
    """Security 28: no header comes in through a number, a name or a setting."""
    line = Line()
    with pytest.raises(InvalidMessage):
        line.dial(**changes)
    assert line.agent.take_sends() == []
    assert line.agent.machines == 0


def test_ipv6() -> None:
    """RFC 5118 (trap 18): brackets in Via and Contact, `IN IP6` in SDP."""
    line = Line()
    line.dial(local=Local("udp", "2001:db8::1", 5060), media=LocalMedia("2001:db8::1", 20000))
    (invite,) = line.requests("INVITE")
    assert invite.via.host == "2001:db8::1"
    assert invite.get("contact") == "<sip:calloff@[2001:db8::1]:5060>"
    assert b"c=IN IP6 2001:db8::1\r\n" in invite.body
    sdp = ANSWER.replace(b"IN IP4 192.0.2.20", b"IN IP6 2001:db8::2")
    line.answer(invite, 200, body=sdp, contact="<sip:callee@[2001:db8::2]:5080>")
    media = line.of(Answered)[0].media
    assert media is not None
    assert media.host == "2001:db8::2"
    to = line.left[-1][2].to
    assert to is not None
    assert (to.host, to.port) == ("2001:db8::2", 5080)
