"""What is no call: pings, registrations, take-overs, strangers (RFC 3261 sections 10, 11 and 8.2, RFC 3581)."""

from dataclasses import replace

import pytest

from calloff.sip.dialog import DialogState
from calloff.sip.errors import InvalidMessage
from calloff.sip.events import Address, EndCause, Ended, NotRegistered, Pinged, Rang, Registered
from calloff.sip.message import Request
from calloff.sip.setup import Local, PingSetup, RegistrationSetup
from calloff.sip.takeover import TakeoverSetup
from tests.unit.sip.far_end import ANSWER, CREDENTIALS, IDS, SETUP, TRUNK, Line, challenge, request_within, response_to

LOCAL = Local("udp", "192.0.2.10", 5060)
PING = PingSetup("sip:carrier.example", "sip:ping@192.0.2.10", LOCAL)
REGISTRATION = RegistrationSetup("sip:carrier.example", "sip:us@carrier.example", LOCAL, credentials=CREDENTIALS)
TAKEOVER = TakeoverSetup(IDS, SETUP.request_uri, SETUP.from_uri, Local("udp", "192.0.2.11", 5060))
DIALOG = DialogState(IDS.sip_call_id, SETUP.from_uri, "ours", SETUP.request_uri, "theirs", "sip:callee@192.0.2.20", 7)


# OPTIONS


@pytest.mark.parametrize("status", [200, 403, 404, 405, 503])
def test_any_response_to_a_ping_says_that_somebody_is_there(status: int) -> None:
    line = Line()
    line.agent.ping(PING, line.now)
    line.pump()
    line.wait(0.25)
    line.answer(line.requests("OPTIONS")[0], status, headers=[("retry-after", "9")])
    assert line.of(Pinged) == [Pinged(status, 0.25, 9.0)]
    assert line.agent.machines == 0


def test_a_ping_that_nobody_answers() -> None:
    line = Line()
    line.agent.ping(PING, line.now)
    line.pump()
    line.wait(32.1)
    assert [event.code for event in line.of(Pinged)] == [None]
    assert len(line.requests("OPTIONS")) == 11
    assert line.agent.machines == 0


# Registration


def registered(expires: str = "3600") -> Line:
    line = Line()
    line.agent.register(REGISTRATION, line.now)
    line.pump()
    line.answer(line.requests("REGISTER")[0], 401, headers=[("www-authenticate", challenge())])
    line.answer(
        line.requests("REGISTER")[1],
        200,
        contact=f"<sip:calloff@192.0.2.10:5060>;expires={expires}, <sip:other@192.0.2.99>;expires=20",
    )
    return line


def test_a_registration_is_renewed_before_it_lapses() -> None:
    line = registered()
    first, second = line.requests("REGISTER")
    assert (second.cseq.number, second.call_id) == (first.cseq.number + 1, first.call_id)
    assert line.of(Registered) == [Registered(3600.0)]
    line.wait(3539)
    assert len(line.requests("REGISTER")) == 2
    line.wait(2)
    third = line.requests("REGISTER")[2]
    assert third.get("authorization"), "the nonce is known, so that it is answered unasked"
    line.wait(33)
    assert [event.code for event in line.of(NotRegistered)] == [None]


def test_a_short_registration_is_renewed_at_half() -> None:
    line = registered("60")
    assert line.of(Registered) == [Registered(60.0)]
    line.wait(30.1)
    assert len(line.requests("REGISTER")) == 3


def test_a_registrar_that_wants_longer_gets_it() -> None:
    """Section 10.2.8: 423 with Min-Expires."""
    line = Line()
    line.agent.register(replace(REGISTRATION, expires=60), line.now)
    line.pump()
    line.answer(line.requests("REGISTER")[0], 423, headers=[("min-expires", "300")])
    assert line.requests("REGISTER")[1].get("expires") == "300"
    line.answer(line.requests("REGISTER")[1], 423, headers=[("min-expires", "300")])
    assert len(line.requests("REGISTER")) == 2
    assert line.of(NotRegistered)[0].code == 423


def test_a_refused_registration_is_tried_again_less_and_less_often() -> None:
    line = Line()
    line.agent.register(REGISTRATION, line.now)
    line.pump()
    for _ in range(8):
        line.answer(line.requests("REGISTER")[-1], 503)
        line.wait(line.of(NotRegistered)[-1].retry_in + 0.1)
    assert [event.retry_in for event in line.of(NotRegistered)] == [15, 30, 60, 120, 240, 300, 300, 300]
    line.answer(line.requests("REGISTER")[-1], 503, headers=[("retry-after", "1000")])
    assert line.of(NotRegistered)[-1].retry_in == 1000
    line.wait(1000.1)
    line.answer(line.requests("REGISTER")[-1], 200)
    line.answer(line.requests("REGISTER")[-1], 200)
    assert len(line.of(Registered)) == 1


def test_a_registration_says_as_whom_we_are_seen() -> None:
    """RFC 3581."""
    line = Line()
    line.agent.register(REGISTRATION, line.now)
    line.pump()
    request = line.requests("REGISTER")[0]
    request.headers[0] = ("via", f"{request.headers[0][1].removesuffix(';rport')};received=203.0.113.5;rport=62000")
    request.replaced()
    line.answer(request, 200)
    assert line.of(Registered)[0].public == ("203.0.113.5", 62000)


def test_a_registration_is_taken_back() -> None:
    line = Line()
    registration = line.agent.register(REGISTRATION, line.now)
    line.pump()
    registration.stop(line.now)
    line.pump()
    assert len(line.requests("REGISTER")) == 1, "what is under way is waited for"
    line.answer(line.requests("REGISTER")[0], 200)
    last = line.requests("REGISTER")[1]
    assert last.get("expires") == "0"
    line.answer(last, 200)
    assert registration.closed
    assert line.agent.machines == 0
    line.wait(9000)
    assert len(line.requests("REGISTER")) == 2


def test_what_was_never_registered_needs_no_taking_back() -> None:
    line = Line()
    registration = line.agent.register(REGISTRATION, line.now)
    line.pump()
    line.answer(line.requests("REGISTER")[0], 403)
    registration.stop(line.now)
    line.pump()
    assert line.agent.machines == 0
    assert len(line.requests("REGISTER")) == 1


# Taking over


def test_a_call_that_talks_gets_a_bye() -> None:
    line = Line()
    line.agent.take_over(replace(TAKEOVER, dialog=DIALOG), line.now)
    line.pump()
    (bye,) = line.requests("BYE")
    assert (bye.call_id, bye.from_tag, bye.to_tag, bye.uri) == (IDS.sip_call_id, "ours", "theirs", DIALOG.remote_target)
    assert bye.cseq.number > 7 + 100, "the dead one may have sent more since"
    assert bye.via.host == "192.0.2.11"
    line.answer(bye, 200)
    assert line.of(Ended) == [Ended(EndCause.HUNG_UP_BY_US, Rang.YES, answered=True, code=200)]
    line.wait(40)
    assert line.agent.machines == 0


def test_a_call_that_rings_gets_the_cancel_of_the_dead_ones_invite() -> None:
    """RFC 3261 section 9.1: same branch, `sent-by` and CSeq; of each INVITE that there may have been."""
    line = Line()
    line.agent.take_over(replace(TAKEOVER, sent_by="192.0.2.10:5060"), line.now)
    line.pump()
    cancels = line.requests("CANCEL")
    assert [(cancel.cseq.number, cancel.via.branch) for cancel in cancels] == [
        (7, "z9hG4bKfirst"),
        (8, "z9hG4bKfirst.1"),
        (9, "z9hG4bKfirst.2"),
        (10, "z9hG4bKfirst.3"),
    ]
    assert {cancel.via.host for cancel in cancels} == {"192.0.2.10"}
    for cancel in cancels:
        line.answer(cancel, 200 if cancel.cseq.number == 8 else 481)
    assert not line.of(Ended)
    line.answer(invite_of(cancels[1]), 487)
    (ended,) = line.of(Ended)
    assert (ended.code, ended.answered) == (487, False)
    assert line.requests("ACK")[0].via.branch == "z9hG4bKfirst.1"
    line.wait(70)
    assert line.agent.machines == 0


def test_the_invites_end_reaches_only_the_dead_one() -> None:
    line = Line()
    line.agent.take_over(TAKEOVER, line.now)
    line.pump()
    for cancel in line.requests("CANCEL"):
        line.answer(cancel, 200 if cancel.cseq.number == 7 else 481)
    line.wait(33)
    (ended,) = line.of(Ended)
    assert (ended.rang, ended.code) == (Rang.UNKNOWN, None)
    assert "took the CANCEL" in ended.note
    line.wait(40)
    assert line.agent.machines == 0


def test_nothing_is_there_any_more() -> None:
    line = Line()
    line.agent.take_over(TAKEOVER, line.now)
    line.pump()
    for cancel in line.requests("CANCEL"):
        line.answer(cancel, 481)
    (ended,) = line.of(Ended)
    assert (ended.rang, ended.code) == (Rang.UNKNOWN, None)
    line.wait(40)
    assert line.agent.machines == 0


def test_who_answers_a_take_over_is_thanked_and_hung_up_on() -> None:
    line = Line()
    line.agent.take_over(TAKEOVER, line.now)
    line.pump()
    invite = invite_of(line.requests("CANCEL")[0])
    line.answer(invite, 200, body=ANSWER)
    line.answer(invite, 200, body=ANSWER)
    assert len(line.requests("ACK")) == 2
    (bye,) = line.requests("BYE")
    assert (bye.to_tag, bye.uri) == ("theirs", "sip:callee@192.0.2.20:5060")
    line.answer(bye, 200)
    assert len(line.of(Ended)) == 1
    assert line.of(Ended)[0].rang is Rang.YES


def invite_of(cancel: Request) -> Request:
    """The INVITE that a CANCEL belongs to."""
    headers = [header if header[0] != "cseq" else ("cseq", f"{cancel.cseq.number} INVITE") for header in cancel.headers]
    return Request("INVITE", cancel.uri, headers)


# Strangers


def test_a_trunk_may_ask_whether_we_are_there() -> None:
    """RFC 3261 section 11.2 (trap 13): OPTIONS outside of a dialog, as often as it likes."""
    line = Line()
    for number in range(5):
        line.give(outside("OPTIONS", number))
    assert [response.status for response in line.responses()] == [200] * 5
    assert all(response.to_tag for response in line.responses())
    assert line.agent.machines == 0


@pytest.mark.parametrize(("method", "status"), [("INVITE", 403), ("REGISTER", 405), ("BYE", 481), ("CANCEL", 481)])
def test_a_trunk_that_asks_for_something_else(method: str, status: int) -> None:
    line = Line()
    line.give(outside(method))
    line.give(outside(method))
    assert [response.status for response in line.responses()] == [status] * 2
    assert len({response.to_tag for response in line.responses()}) == 1
    line.give(outside("ACK"))
    assert len(line.responses()) == 2


def test_strangers_get_one_answer_a_second_in_all() -> None:
    line = Line()
    for number in range(1000):
        source = Address("udp", f"198.51.100.{number % 250}", 5060)
        line.give(outside("OPTIONS" if number % 2 else "INVITE", number), source, known=False)
        line.wait(0.01)
    statuses = [response.status for response in line.responses()]
    assert len(statuses) <= 11
    assert set(statuses) == {403}
    assert not any(response.get("allow") for response in line.responses())


def test_strangers_change_no_call() -> None:
    """Who is no trunk can neither end a call nor answer it, even if he has read along."""
    line = Line()
    line.talking()
    stranger = Address("udp", "198.51.100.1", 5060)
    line.give(request_within("BYE", cseq=1), stranger, known=False)
    assert not line.of(Ended)
    other = Line()
    other.dial()
    other.give(response_to(other.requests("INVITE")[0], 486), stranger, known=False)
    assert not other.events


def test_what_belongs_to_no_call_is_passed_over() -> None:
    line = Line()
    invite = Request("INVITE", SETUP.request_uri, outside("INVITE").headers)
    line.answer(invite, 200)
    assert line.give(b"\r\n\r\n") == ""
    assert line.give(b"\0" * 65_000) == ""
    assert line.left == []


def outside(method: str, number: int = 0) -> Request:
    """A request outside of any dialog."""
    request = request_within(method, cseq=1)
    request.headers = [
        (name, {"call-id": f"other-{number}", "to": "<sip:us@192.0.2.10>"}.get(name, value))
        for name, value in request.headers
    ]
    request.replaced()
    return request


# All of them together


def test_no_two_calls_share_a_call_id() -> None:
    line = Line()
    line.dial()
    with pytest.raises(InvalidMessage):
        line.dial()
    assert line.agent.machines == 1


def test_a_call_of_this_process_can_be_taken_over() -> None:
    """Both hear what comes; neither keeps the other from ending."""
    line = Line()
    call, invite = line.ringing()
    line.agent.take_over(TAKEOVER, line.now)
    line.pump()
    call.hang_up(line.now)
    line.pump()
    line.answer(invite, 487)
    assert len(line.of(Ended)) == 2
    line.wait(100)
    assert line.agent.machines == 0


def test_timers_of_many_calls_come_in_their_order() -> None:
    line = Line()
    for number in range(50):
        line.dial(identifiers=replace(IDS, sip_call_id=f"c{number}", branch=f"z9hG4bK{number}"), deadline=9999.0)
        line.wait(0.01)
    line.wait(100)
    instants = [at for at, _, _ in line.left]
    assert instants == sorted(instants)
    assert len(line.of(Ended)) == 50
    assert line.agent.machines == 0
    assert line.agent.next_timer() is None
    assert TRUNK.port == 5060
