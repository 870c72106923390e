"""401, 407, 422 and what else makes an INVITE go out once more (RFC 3261 section 22, RFC 7616, RFC 8760, RFC 4028)."""

import hashlib
import re

import pytest

from calloff.domain.results import Result, result_of_sip_code
from calloff.sip.digest import Credentials, answer, challenges
from calloff.sip.events import Answered, EndCause, Ended, Rang
from calloff.sip.message import Request, Response
from tests.unit.sip.far_end import ANSWER, CREDENTIALS, SETUP, TRUNK, Line, challenge, response_to


def proof(request: Request, header: str = "proxy-authorization") -> dict[str, str]:
    """The parameters of a request's answer to a challenge."""
    value = request.need(header)
    return {key: text or token for key, text, token in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', value)}


def expected(given: dict[str, str], method: str, body: bytes = b"") -> str:
    """The proof, worked out from RFC 7616 section 3.4 anew."""
    algorithm = hashlib.sha256 if given["algorithm"].startswith("SHA-256") else hashlib.md5

    def hashed(text: str) -> str:
        return algorithm(text.encode()).hexdigest()

    secret = hashed(f"calloff:{given['realm']}:secret")
    if given["algorithm"].endswith("-sess"):
        secret = hashed(f"{secret}:{given['nonce']}:{given['cnonce']}")
    subject = f"{method}:{given['uri']}"
    if given.get("qop") == "auth-int":
        subject += f":{algorithm(body).hexdigest()}"
    middle = f"{given['nc']}:{given['cnonce']}:{given['qop']}:" if "qop" in given else ""
    return hashed(f"{secret}:{given['nonce']}:{middle}{hashed(subject)}")


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "MD5-sess", "SHA-256-sess"])
@pytest.mark.parametrize("qop", ["", ', qop="auth"', ', qop="auth-int"', ', qop="auth,auth-int"', ", qop=auth"])
def test_the_proof_is_right(algorithm: str, qop: str) -> None:
    line = Line()
    line.dial(credentials=CREDENTIALS)
    (invite,) = line.requests("INVITE")
    line.answer(invite, 407, headers=[("proxy-authenticate", challenge(algorithm=algorithm, extra=qop))])
    given = proof(line.requests("INVITE")[1])
    assert given["response"] == expected(given, "INVITE", invite.body)
    assert given["algorithm"] == algorithm
    assert given.get("qop") == {"": None, ', qop="auth-int"': "auth-int"}.get(qop, "auth")


def test_the_example_of_rfc_7616() -> None:
    """Section 3.9.1, both algorithms."""
    value = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    mufasa = Credentials("Mufasa", "Circle of Life")
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    for algorithm, response in (
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
    ):
        (found,) = challenges(Response(401, "", [("www-authenticate", value.format(algorithm))]))
        header, text = answer(found, mufasa, "GET", "/dir/index.html", b"", cnonce, 1)
        assert header == "authorization"
        assert f'response="{response}"' in text


def test_a_repeated_invite_has_a_new_number_and_branch_and_is_looked_at_by_the_fence_again() -> None:
    """RFC 3261 section 22.1 (trap 4)."""
    line = Line()
    line.dial(credentials=CREDENTIALS)
    first = line.requests("INVITE")[0]
    line.answer(first, 401, headers=[("www-authenticate", challenge())])
    second = line.requests("INVITE")[1]
    assert (second.cseq.number, second.via.branch) == (8, "z9hG4bKfirst.1")
    assert (second.call_id, second.from_tag, second.to_tag) == (first.call_id, first.from_tag, "")
    assert "authorization" in dict(second.headers)
    assert line.left[-1][2].deadline == SETUP.deadline
    assert line.names() == ["INVITE", "ACK", "INVITE"]
    line.answer(second, 200, body=ANSWER)
    ack = line.requests("ACK")[1]
    assert (ack.cseq.number, "authorization" in dict(ack.headers)) == (8, True)
    assert len(line.of(Answered)) == 1


def test_a_challenge_after_the_deadline_ends_the_call() -> None:
    """What the first build did at 3.0 s."""
    line = Line()
    line.dial(credentials=CREDENTIALS)
    line.wait(3)
    line.answer(line.requests("INVITE")[0], 407, headers=[("proxy-authenticate", challenge())])
    (ended,) = line.of(Ended)
    assert (ended.cause, ended.code, ended.rang) == (EndCause.TOO_LATE, 407, Rang.NO)
    line.wait(60)
    assert {invite.cseq.number for invite in line.requests("INVITE")} == {7}


def test_a_repeated_invite_that_the_shell_found_too_late() -> None:
    line = Line()
    line.dial(credentials=CREDENTIALS)
    line.now = SETUP.deadline
    response = response_to(line.requests("INVITE")[0], 407, headers=[("proxy-authenticate", challenge())])
    line.agent.receive(response.encode(), TRUNK, line.now)
    line.now += 0.001
    line.pump()
    assert line.names() == ["INVITE", "ACK"]
    assert line.of(Ended)[0].cause is EndCause.TOO_LATE


def test_a_wrong_password_never_loops() -> None:
    """RFC 3261 section 22.1 (trap 4)."""
    line = Line()
    line.dial(credentials=CREDENTIALS)
    for nonce in ("n1", "n2"):
        line.answer(line.requests("INVITE")[-1], 407, headers=[("proxy-authenticate", challenge(nonce))])
    assert len(line.requests("INVITE")) == 2
    assert (line.of(Ended)[0].cause, line.of(Ended)[0].code) == (EndCause.REFUSED, 407)


def test_a_stale_nonce_is_answered_once_more_and_once_only() -> None:
    """RFC 7616 section 3.3 (trap 4)."""
    line = Line()
    line.dial(credentials=CREDENTIALS)
    stale = ', qop="auth", stale=TRUE'
    for nonce, extra in (("n1", ', qop="auth"'), ("n2", stale), ("n3", stale)):
        line.answer(line.requests("INVITE")[-1], 407, headers=[("proxy-authenticate", challenge(nonce, extra=extra))])
    assert [proof(invite)["nonce"] for invite in line.requests("INVITE")[1:]] == ["n1", "n2"]
    assert line.of(Ended)[0].cause is EndCause.REFUSED


def test_of_several_challenges_of_a_realm_the_best_is_answered() -> None:
    """RFC 8760 section 2.4 (trap 5): SHA-256 and not both at once."""
    line = Line()
    line.dial(credentials=CREDENTIALS)
    both = [
        ("proxy-authenticate", challenge("old", algorithm="MD5")),
        ("proxy-authenticate", challenge("odd", algorithm="SHA-3")),
        ("proxy-authenticate", challenge("new", algorithm="SHA-256")),
    ]
    line.answer(line.requests("INVITE")[0], 407, headers=both)
    second = line.requests("INVITE")[1]
    assert len(second.all("proxy-authorization")) == 1
    assert proof(second)["nonce"] == "new"


def test_each_realm_gets_its_answer() -> None:
    """RFC 3261 section 22.3 (trap 5): a proxy's and a registrar's, one after the other."""
    line = Line()
    line.dial(credentials=CREDENTIALS)
    line.answer(line.requests("INVITE")[0], 407, headers=[("proxy-authenticate", challenge("p", realm="proxy"))])
    line.answer(line.requests("INVITE")[1], 401, headers=[("www-authenticate", challenge("u", realm="end"))])
    third = line.requests("INVITE")[2]
    assert proof(third)["nonce"] == "p"
    assert proof(third, "authorization")["nonce"] == "u"
    assert proof(third)["nc"] == "00000002"
    line.answer(third, 200, body=ANSWER)
    assert line.of(Answered)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("proxy-authenticate", 'Basic realm="carrier"')],
        [("proxy-authenticate", challenge(algorithm="SHA-3"))],
        [("proxy-authenticate", challenge(extra=', qop="token"'))],
        [("proxy-authenticate", 'Digest realm="carrier"')],
        [("proxy-authenticate", "Digest " + "a" * 5000)],
    ],
)
def test_a_challenge_that_cannot_be_answered_is_a_refusal_at_once(headers: list[tuple[str, str]]) -> None:
    """What the first build hung on until the ring timeout."""
    line = Line()
    line.dial(credentials=CREDENTIALS)
    line.answer(line.requests("INVITE")[0], 407, headers=headers)
    (ended,) = line.of(Ended)
    assert (ended.cause, ended.code) == (EndCause.REFUSED, 407)
    assert result_of_sip_code(407) is Result.REJECTED


def test_without_credentials_or_for_another_realm_nothing_is_repeated() -> None:
    for credentials in (None, Credentials("calloff", "secret", realm="elsewhere")):
        line = Line()
        line.dial(credentials=credentials)
        line.answer(line.requests("INVITE")[0], 401, headers=[("www-authenticate", challenge())])
        assert line.names() == ["INVITE", "ACK"]
        assert line.of(Ended)[0].cause is EndCause.REFUSED


def test_a_challenge_after_180_changes_neither_uri_nor_to() -> None:
    """What the first build did with the 180's Contact and tag."""
    line = Line()
    line.dial(credentials=CREDENTIALS)
    (invite,) = line.requests("INVITE")
    line.answer(invite, 180, contact="<sip:elsewhere@192.0.2.99>")
    line.answer(invite, 407, headers=[("proxy-authenticate", challenge())])
    second = line.requests("INVITE")[1]
    assert (second.uri, second.need("to")) == (invite.uri, invite.need("to"))


def test_a_challenge_after_the_call_was_given_up_is_not_answered() -> None:
    line = Line()
    call = line.dial(credentials=CREDENTIALS)
    call.hang_up(line.now)
    line.pump()
    line.answer(line.requests("INVITE")[0], 407, headers=[("proxy-authenticate", challenge())])
    line.wait(60)
    assert line.names() == ["INVITE", "ACK"]
    assert line.of(Ended)[0].cause is EndCause.HUNG_UP_BY_US


def test_a_challenge_that_comes_when_the_end_was_told_is_not_answered() -> None:
    line = Line()
    line.dial(credentials=CREDENTIALS, deadline=2000.0)
    line.wait(40)
    assert len(line.of(Ended)) == 1
    line.answer(line.requests("INVITE")[0], 407, headers=[("proxy-authenticate", challenge())])
    assert {invite.cseq.number for invite in line.requests("INVITE")} == {7}


def test_a_repeated_challenge_is_acknowledged_and_answered_once() -> None:
    line = Line()
    line.dial(credentials=CREDENTIALS)
    (invite,) = line.requests("INVITE")
    for _ in range(3):
        line.answer(invite, 407, headers=[("proxy-authenticate", challenge())])
    assert line.names() == ["INVITE", "ACK", "INVITE", "ACK", "ACK"]


def test_an_answer_to_the_invite_that_was_challenged_is_hung_up_on() -> None:
    line = Line()
    line.dial(credentials=CREDENTIALS)
    (invite,) = line.requests("INVITE")
    line.answer(invite, 407, headers=[("proxy-authenticate", challenge())])
    line.answer(invite, 200, tag="fork", body=ANSWER)
    assert line.names() == ["INVITE", "ACK", "INVITE", "ACK", "BYE"]
    assert not line.of(Answered)
    assert not line.of(Ended)
    line.answer(line.requests("INVITE")[1], 200, body=ANSWER)
    assert line.of(Answered)


def test_a_challenged_bye_is_repeated() -> None:
    line = Line()
    call = line.talking(credentials=CREDENTIALS)
    call.hang_up(line.now)
    line.pump()
    line.answer(line.requests("BYE")[0], 407, headers=[("proxy-authenticate", challenge())])
    first, second = line.requests("BYE")
    assert second.cseq.number == first.cseq.number + 1
    given = proof(second)
    assert given["response"] == expected(given, "BYE")


def test_what_a_422_demands_is_given_once() -> None:
    """RFC 4028 section 7.3 (trap 11)."""
    line = Line()
    line.dial(session_expires=90)
    line.answer(line.requests("INVITE")[0], 422, headers=[("min-se", "600")])
    second = line.requests("INVITE")[1]
    assert (second.get("session-expires"), second.get("min-se"), second.cseq.number) == ("600", "600", 8)
    line.answer(second, 422, headers=[("min-se", "600")])
    assert len(line.requests("INVITE")) == 2
    assert (line.of(Ended)[0].cause, line.of(Ended)[0].code) == (EndCause.REFUSED, 422)


def test_who_demands_more_and_more_gets_an_end() -> None:
    line = Line()
    line.dial(session_expires=90)
    for least in range(100, 5000, 100):
        if not line.of(Ended):
            line.answer(line.requests("INVITE")[-1], 422, headers=[("min-se", str(least))])
    assert len(line.requests("INVITE")) == 9
    assert line.of(Ended)[0].code == 422
