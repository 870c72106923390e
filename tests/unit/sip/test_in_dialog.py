"""What either side asks for while a call is up (RFC 3261 sections 12 to 15, RFC 3262, 3311, 3515, 4028)."""

import pytest

from calloff.sip.errors import InvalidMessage
from calloff.sip.events import (
    Address,
    Answered,
    EndCause,
    Ended,
    KeyPressed,
    MediaChanged,
    Progress,
    TransferProgress,
)
from calloff.sip.sdp import Direction
from tests.unit.sip.far_end import ANSWER, Line, request_within, response_to

HOLD = ANSWER + b"a=sendonly\r\n"
DTMF = [("content-type", "application/dtmf-relay")]


# PRACK (RFC 3262)


def test_a_reliable_provisional_response_gets_its_prack() -> None:
    """Trap 12: RAck, and the early dialog's target and route."""
    line = Line()
    line.dial()
    (invite,) = line.requests("INVITE")
    reliable = [("require", "100rel"), ("rseq", "41"), ("record-route", "<sip:a.example;lr>, <sip:b.example;lr>")]
    line.answer(invite, 183, headers=reliable, body=ANSWER, contact="<sip:early@192.0.2.44>")
    (prack,) = line.requests("PRACK")
    assert (prack.get("rack"), prack.uri, prack.cseq.number) == ("41 7 INVITE", "sip:early@192.0.2.44", 8)
    assert prack.values("route") == ["<sip:b.example;lr>", "<sip:a.example;lr>"]
    line.answer(prack, 200)
    assert line.of(Progress)[0].media is not None


def test_reliable_provisional_responses_are_taken_in_order_and_once() -> None:
    """RFC 3262 section 4 (trap 12)."""
    line = Line()
    line.dial()
    (invite,) = line.requests("INVITE")
    for rseq in (1, 1, 3, 2, 3):
        line.answer(invite, 180 + rseq, headers=[("require", "100rel"), ("rseq", str(rseq))])
    assert [prack.get("rack") for prack in line.requests("PRACK")] == ["1 7 INVITE", "2 7 INVITE", "3 7 INVITE"]
    assert [event.code for event in line.of(Progress)] == [181, 182, 183]


def test_each_fork_counts_for_itself() -> None:
    line = Line()
    line.dial()
    (invite,) = line.requests("INVITE")
    for tag, rseq in (("a", 7), ("b", 1), ("a", 8)):
        line.answer(invite, 180, tag=tag, headers=[("require", "100rel"), ("rseq", str(rseq))])
    assert [(prack.to_tag, prack.get("rack")) for prack in line.requests("PRACK")] == [
        ("a", "7 7 INVITE"),
        ("b", "1 7 INVITE"),
        ("a", "8 7 INVITE"),
    ]


def test_without_100rel_none_is_offered() -> None:
    line = Line()
    line.dial(reliable_provisionals=False)
    assert line.requests("INVITE")[0].tokens("supported") == {"timer"}


# What they ask for


def test_options_in_a_dialog_get_200() -> None:
    """RFC 3261 section 11.2 (trap 13): carriers that ping in the dialog clear the call after a 404."""
    line = Line()
    line.talking()
    response = line.ask("OPTIONS")
    assert response.status == 200
    assert "INVITE" in (response.get("allow") or "")
    assert not line.of(Ended)


def test_a_refer_is_declined_and_allow_is_honest() -> None:
    line = Line()
    line.talking()
    response = line.ask("REFER", headers=[("refer-to", "<sip:premium@example>")])
    assert response.status == 603
    assert "REFER" not in response.values("allow")
    for method in response.values("allow"):
        if method not in ("ACK", "CANCEL"):
            other = Line()
            other.talking()
            assert other.ask(method).status not in (405, 501, 603), method
    assert line.ask("SUBSCRIBE", cseq=2).status == 405


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "OPTIONS", "BYE"])
def test_an_unknown_require_is_refused(method: str) -> None:
    """RFC 3261 section 8.2.2.3: 420 with Unsupported."""
    line = Line()
    line.talking()
    response = line.ask(method, headers=[("require", "timer, replaces"), ("require", "x-other")])
    assert (response.status, response.get("unsupported")) == (420, "replaces, x-other")
    assert not line.of(Ended)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (b"a=sendonly\r\n", Direction.RECVONLY),
        (b"a=inactive\r\n", Direction.INACTIVE),
        (b"a=recvonly\r\n", Direction.SENDONLY),
        (b"", Direction.SENDRECV),
    ],
)
def test_hold_and_return(method: str, theirs: bytes, ours: Direction) -> None:
    """RFC 3264 section 8.4 (trap 10)."""
    line = Line()
    line.talking()
    body = ANSWER.replace(b"40000", b"40002") + theirs
    response = line.ask(method, body=body)
    assert response.status == 200
    assert f"a={ours.value}\r\n".encode() in response.body
    assert b"o=- 1 2 IN" in response.body
    (changed,) = line.of(MediaChanged)
    assert changed.media is not None
    assert (changed.media.direction, changed.media.port, changed.media.on_hold) == (ours, 40002, not ours.sends)


def test_hold_in_the_old_way() -> None:
    """0.0.0.0 (trap 10)."""
    line = Line()
    line.talking()
    assert line.ask("INVITE", body=ANSWER.replace(b"c=IN IP4 192.0.2.20", b"c=IN IP4 0.0.0.0")).status == 200
    media = line.of(MediaChanged)[0].media
    assert media is not None
    assert media.on_hold


def test_an_answer_on_hold_is_answered_and_goes_on() -> None:
    """The first build hung up, and dialed again."""
    line = Line()
    line.talking(body=HOLD)
    (answered,) = line.of(Answered)
    assert answered.media is not None
    assert answered.media.on_hold
    assert line.ask("INVITE", body=ANSWER).status == 200
    media = line.of(MediaChanged)[0].media
    assert media is not None
    assert media.direction is Direction.SENDRECV
    assert not line.of(Ended)


def test_a_reinvite_without_sdp_gets_our_offer_and_its_ack_the_answer() -> None:
    """RFC 3261 section 13.2.1 (trap 10)."""
    line = Line()
    line.talking()
    response = line.ask("INVITE")
    assert response.status == 200
    assert b"m=audio 20000 RTP/AVP 0 8 101" in response.body
    assert line.ask("INVITE", cseq=2, body=ANSWER).status == 491
    line.give(request_within("ACK", cseq=2))
    line.give(request_within("ACK", cseq=1, body=ANSWER.replace(b"AVP 0 101", b"AVP 8 101")))
    media = line.of(MediaChanged)[0].media
    assert media is not None
    assert media.codec == "pcma"
    line.wait(40)
    assert [r.status for r in line.responses()] == [200, 491]
    assert not line.of(Ended)


def test_a_reinvite_that_nobody_acknowledges_ends_the_call() -> None:
    """RFC 3261 section 13.3.1.4: the 200 is repeated, and after 64·T1 there is a BYE."""
    line = Line()
    line.talking()
    line.ask("INVITE", body=ANSWER)
    line.wait(33)
    assert len(line.responses()) == 11
    assert line.of(Ended)[0].cause is EndCause.LOST
    assert line.requests("BYE")


def test_a_codec_that_we_do_not_have_changes_nothing() -> None:
    line = Line()
    line.talking()
    assert line.ask("INVITE", body=ANSWER.replace(b"AVP 0 101", b"AVP 9")).status == 488
    assert not line.of(MediaChanged)
    assert line.ask("INVITE", cseq=2, headers=[("content-type", "text/plain")], body=b"hello").status == 415
    assert line.ask("INVITE", cseq=3, body=b"no sdp").status == 400
    assert not line.of(Ended)


def test_a_repeated_request_gets_the_same_response() -> None:
    line = Line()
    line.talking()
    request = request_within("INFO", cseq=1, headers=DTMF, body=b"Signal=5\r\nDuration=160\r\n")
    for _ in range(3):
        line.give(request)
    assert len(line.of(KeyPressed)) == 1
    assert len({response.encode() for response in line.responses()}) == 1
    assert len(line.responses()) == 3


def test_a_request_that_is_behind_its_time_is_refused() -> None:
    """RFC 3261 section 12.2.2."""
    line = Line()
    line.talking()
    assert line.ask("OPTIONS", cseq=9).status == 200
    assert line.ask("INVITE", cseq=8, body=HOLD).status == 500
    assert not line.of(MediaChanged)


def test_requests_of_another_dialog_are_not_for_the_call() -> None:
    line = Line()
    line.talking()
    assert line.ask("BYE", tag="other").status == 481
    assert not line.of(Ended)


def test_nobody_but_the_caller_ends_an_early_dialog_with_bye() -> None:
    """RFC 3261 section 15."""
    line = Line()
    line.ringing()
    assert line.ask("BYE").status == 481
    assert not line.of(Ended)


def test_the_target_moves() -> None:
    """RFC 3261 section 12.2 (trap 9)."""
    line = Line()
    call = line.talking()
    line.ask("INVITE", headers=[("contact", "<sip:moved@192.0.2.77:5099>")], body=ANSWER)
    call.hang_up(line.now)
    line.pump()
    (bye,) = line.requests("BYE")
    to = line.left[-1][2].to
    assert bye.uri == "sip:moved@192.0.2.77:5099"
    assert to is not None
    assert (to.host, to.port) == ("192.0.2.77", 5099)


def test_an_update_before_the_answer_waits_for_ours() -> None:
    """RFC 3311 section 5.2."""
    line = Line()
    line.ringing()
    assert line.ask("UPDATE", body=ANSWER).status == 491
    assert line.ask("INVITE", cseq=2, body=ANSWER).status == 500


# Keys


@pytest.mark.parametrize(
    ("kind", "body", "event"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", KeyPressed("5", 0.16)),
        ("application/dtmf-relay", b"Signal= #\nDuration= 250", KeyPressed("#", 0.25)),
        ("application/dtmf-relay; x=1", b"signal=10\r\n", KeyPressed("*", 0.25)),
        ("application/dtmf", b"9", KeyPressed("9", 0.25)),
        ("application/dtmf", b"a\r\n", KeyPressed("A", 0.25)),
        ("application/dtmf-relay", b"Signal=99\r\n", None),
        ("application/dtmf-relay", b"", None),
        ("application/dtmf-relay", b"\n" * 60_000, None),
    ],
)
def test_keys_by_info(kind: str, body: bytes, event: KeyPressed | None) -> None:
    """Trap 16."""
    line = Line()
    line.talking()
    assert line.ask("INFO", headers=[("content-type", kind)], body=body).status == 200
    assert line.of(KeyPressed) == ([event] if event else [])


def test_what_info_is_not_for() -> None:
    line = Line()
    line.talking()
    assert line.ask("INFO", headers=[("content-type", "text/plain")], body=b"5").status == 415
    assert line.ask("INFO", cseq=2, headers=[("info-package", "x")]).status == 469
    assert line.ask("INFO", cseq=3).status == 200
    assert not line.of(KeyPressed)


def test_our_keys_by_info() -> None:
    line = Line()
    call = line.talking(headers=[("allow", "INVITE, ACK, BYE, INFO")])
    assert call.send_key("7", 0.2, line.now)
    line.pump()
    (info,) = line.requests("INFO")
    assert (info.get("content-type"), info.body) == ("application/dtmf-relay", b"Signal=7\r\nDuration=200\r\n")
    other = Line()
    deaf = other.talking(headers=[("allow", "INVITE, ACK, BYE")])
    assert not deaf.send_key("7", 0.2, other.now)
    early = Line()
    assert not early.ringing()[0].send_key("7", 0.2, early.now)


def test_a_call_that_is_not_known_there_is_over() -> None:
    """Trap 20: 481 to a request within it."""
    line = Line()
    call = line.talking()
    call.send_key("7", 0.2, line.now)
    line.pump()
    line.answer(line.requests("INFO")[0], 481)
    assert line.of(Ended)[0].cause is EndCause.LOST
    assert line.requests("BYE")


# Transfers (RFC 3515)


def test_a_transfer_tells_what_becomes_of_it() -> None:
    line = Line()
    call = line.talking(headers=[("allow", "INVITE, ACK, BYE, REFER")])
    assert call.transfer("sip:agent@example.org", line.now, referred_by="sip:calloff@example.org")
    line.pump()
    (refer,) = line.requests("REFER")
    assert (refer.get("refer-to"), refer.get("referred-by")) == (
        "<sip:agent@example.org>",
        "<sip:calloff@example.org>",
    )
    line.answer(refer, 202)
    fragment = [("event", "refer"), ("content-type", "message/sipfrag")]
    active, over = ("subscription-state", "active;expires=60"), ("subscription-state", "terminated;reason=noresource")
    assert line.ask("NOTIFY", headers=[*fragment, active], body=b"SIP/2.0 180 Ringing\r\n").status == 200
    assert line.ask("NOTIFY", cseq=2, headers=[*fragment, over], body=b"SIP/2.0 200 OK\r\n").status == 200
    assert line.ask("NOTIFY", cseq=3, headers=[*fragment, over], body=b"SIP/2.0 200 OK\r\n").status == 481
    assert line.of(TransferProgress) == [
        TransferProgress(202, final=False),
        TransferProgress(180, final=False),
        TransferProgress(200, final=True),
    ]
    assert not line.of(Ended)


def test_a_transfer_that_is_refused() -> None:
    line = Line()
    call = line.talking()
    call.transfer("sip:agent@example.org", line.now)
    line.pump()
    line.answer(line.requests("REFER")[0], 603)
    assert line.of(TransferProgress) == [TransferProgress(603, final=True)]
    assert line.ask("NOTIFY", headers=[("event", "presence")]).status == 489


@pytest.mark.parametrize("target", ["sip:a@b>\r\nEvil: 1", "agent", "sip:a b@c", ""])
def test_a_transfer_to_no_address(target: str) -> None:
    line = Line()
    call = line.talking()
    with pytest.raises(InvalidMessage):
        call.transfer(target, line.now)


# Session timers (RFC 4028)


def timed(refresher: str, *, allow: str = "INVITE, ACK, BYE, UPDATE") -> Line:
    line = Line()
    line.talking(headers=[("session-expires", f"120;refresher={refresher}"), ("require", "timer"), ("allow", allow)])
    return line


def test_we_refresh_at_half_the_time() -> None:
    """Section 10 (trap 11): by UPDATE."""
    line = timed("uac")
    line.wait(59.9)
    assert not line.requests("UPDATE")
    line.wait(0.2)
    (update,) = line.requests("UPDATE")
    assert update.get("session-expires") == "120;refresher=uac"
    line.answer(update, 200, headers=[("session-expires", "120;refresher=uac")])
    line.wait(60)
    assert len(line.requests("UPDATE")) == 2
    assert not line.of(Ended)


def test_we_refresh_by_reinvite_where_there_is_no_update() -> None:
    line = timed("uac", allow="INVITE, ACK, BYE")
    line.wait(60.1)
    first, refresh = line.requests("INVITE")
    assert refresh.to_tag == "theirs"
    assert refresh.body == first.body
    assert line.ask("INVITE", body=HOLD).status == 491
    line.answer(refresh, 200, headers=[("session-expires", "120;refresher=uac")], body=ANSWER)
    assert [ack.cseq.number for ack in line.requests("ACK")] == [7, refresh.cseq.number]
    line.answer(refresh, 200, headers=[("session-expires", "120;refresher=uac")], body=ANSWER)
    assert len(line.requests("ACK")) == 3
    assert not line.of(Ended)


def test_glare_waits_and_tries_again() -> None:
    """RFC 3261 section 14.1 (trap 10): 2.1 to 4 s, for we own the Call-ID."""
    line = timed("uac", allow="INVITE, ACK, BYE")
    line.wait(60.1)
    line.answer(line.requests("INVITE")[1], 491)
    line.wait(2.0)
    assert len(line.requests("INVITE")) == 2
    line.wait(2.1)
    assert sorted({invite.cseq.number for invite in line.requests("INVITE")}) == [7, 8, 9]


@pytest.mark.parametrize("status", [408, 481, None])
def test_a_refresh_that_fails_ends_the_call(status: int | None) -> None:
    line = timed("uac")
    line.wait(60.1)
    if status is None:
        line.wait(33)
    else:
        line.answer(line.requests("UPDATE")[0], status)
    assert line.of(Ended)[0].cause is EndCause.LOST
    assert line.requests("BYE")


def test_who_does_not_refresh_is_hung_up_on() -> None:
    """Section 10 (trap 11): BYE 32 s, or a third of the interval, before it is over."""
    line = timed("uas")
    line.wait(120 - 32 - 0.1)
    assert not line.of(Ended)
    line.wait(0.2)
    assert line.of(Ended)[0].cause is EndCause.LOST
    assert line.requests("BYE")


def test_who_refreshes_keeps_the_call() -> None:
    line = timed("uas")
    for cseq in range(1, 6):
        line.wait(60)
        given = [("session-expires", "120;refresher=uac"), ("supported", "timer")]
        response = line.ask("UPDATE", cseq=cseq, headers=given)
        assert (response.status, response.get("session-expires")) == (200, "120;refresher=uac")
        assert response.get("require") == "timer"
    assert not line.of(Ended)


def test_an_interval_that_is_too_short_is_refused() -> None:
    """Section 9: 422 with Min-SE."""
    line = timed("uas")
    response = line.ask("UPDATE", headers=[("session-expires", "30;refresher=uac"), ("supported", "timer")])
    assert (response.status, response.get("min-se")) == (422, "90")


def test_a_422_to_a_refresh_is_given_what_it_demands() -> None:
    line = timed("uac")
    line.wait(60.1)
    line.answer(line.requests("UPDATE")[0], 422, headers=[("min-se", "300")])
    assert (line.requests("UPDATE")[1].get("session-expires") or "").startswith("300")


def test_nothing_is_asked_of_a_far_end_without_timers() -> None:
    line = Line()
    line.talking()
    line.wait(7200)
    assert line.names() == []
    assert not line.of(Ended)


# Where responses go


def test_a_response_goes_where_the_via_says() -> None:
    """RFC 3261 section 18.2.2, RFC 3581: to the source with `rport`, else to the port of `sent-by`."""
    line = Line()
    line.talking()
    source = Address("udp", "192.0.2.20", 40404)
    without = request_within("OPTIONS", cseq=2)
    without.headers[0] = ("via", "SIP/2.0/UDP 192.0.2.20:5099;branch=z9hG4bKnext")
    line.give(request_within("OPTIONS", cseq=1), source)
    line.give(without, source)
    assert [send.to and send.to.port for _, _, send in line.left[-2:]] == [40404, 5099]
    assert line.responses()[0].via.parameters["rport"] == "40404"
    assert line.responses()[0].via.parameters["received"] == "192.0.2.20"


def test_a_response_with_two_vias_is_nobodys() -> None:
    """RFC 3261 section 8.1.3.3."""
    line = Line()
    line.dial()
    response = response_to(line.requests("INVITE")[0], 486)
    response.add("via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx")
    line.give(response)
    assert not line.events
