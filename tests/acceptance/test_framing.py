"""Messages that are not HTTP, or that two readers could read in two ways: 400 with an error body, and closed."""

import contextlib

import pytest

from tests.acceptance.expect import assert_error
from tests.acceptance.service import Answer, Service
from tests.acceptance.tenants import Deployment
from tests.acceptance.test_bodies import head

pytestmark = pytest.mark.usefixtures("nothing_queued")

FORM = b"phone_number=6175551234"
KIND = "Content-Type: application/x-www-form-urlencoded"
LENGTH = f"Content-Length: {len(FORM)}"
CHUNKED = b"17\r\n" + FORM + b"\r\n0\r\n\r\n"


def assert_refused_and_closed(service: Service, request: bytes) -> None:
    """400 with an error body, and nothing after it is read."""
    with service.connect() as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        answer = Answer.read(connection)
        assert_error(answer, 400)
        assert answer.headers["connection"] == "close"
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ([LENGTH, "Transfer-Encoding: chunked"], CHUNKED),
        (["Transfer-Encoding: chunked", LENGTH], CHUNKED),
        (["Content-Length: 0", "Transfer-Encoding: chunked"], CHUNKED),
        ([LENGTH, "Content-Length: 5"], FORM),
        ([LENGTH, LENGTH], FORM),
        ([f"{LENGTH}, {len(FORM)}"], FORM),
        (["Content-Length: -1"], FORM),
        (["Content-Length: +23"], FORM),
        (["Content-Length: 0x17"], FORM),
        (["Content-Length: 23a"], FORM),
        (["Content-Length: " + "9" * 30], FORM),
        (["Content-Length: "], FORM),
        (["Transfer-Encoding: chunked, identity"], CHUNKED),
        (["Transfer-Encoding: xchunked"], CHUNKED),
        (["Transfer-Encoding: chunked"], b"zz\r\n" + FORM),
        (["Transfer-Encoding: chunked"], b"-17\r\n" + FORM),
        (["Transfer-Encoding: chunked"], b"0x17\r\n" + FORM),
        (["Transfer-Encoding: chunked"], b"1ffffffffffffffff\r\n" + FORM),
        (["Transfer-Encoding: chunked"], b"17\r\n" + FORM + b"X\r\n0\r\n\r\n"),
        (["Content-Length : 23"], FORM),
        (["Transfer-Encoding : chunked"], CHUNKED),
        (["no colon", LENGTH], FORM),
        (["X: a\x00b", LENGTH], FORM),
        (["X\x00: a", LENGTH], FORM),
        (["X: a\rb", LENGTH], FORM),
        ([": a", LENGTH], FORM),
        (["Host: another", LENGTH], FORM),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_ambiguous_framing(service: Service, deployment: Deployment, fields: list[str], body: bytes) -> None:
    request = head(deployment.owner, deployment.path("queue"), KIND, *fields) + b"\r\n" + body
    assert_refused_and_closed(service, request)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\nnonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"GET /healthz FTP/1.1\r\n\r\n",
        b"G\x00T /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"post /api/apps/1/1/queue HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /health z HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET \x01 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
    ids=lambda request: ascii(request)[:40],
)
def test_what_is_not_http(service: Service, deployment: Deployment, request_bytes: bytes) -> None:
    assert_refused_and_closed(service, request_bytes)


def test_a_refused_message_takes_the_one_behind_it_along(service: Service, deployment: Deployment) -> None:
    """A request hidden in the body of an ambiguous one is never read as a request."""
    hidden = head(deployment.owner, deployment.path("queue"), KIND, LENGTH) + b"\r\n" + FORM
    fields = [KIND, f"Content-Length: {len(hidden) + 5}", "Transfer-Encoding: chunked"]
    assert_refused_and_closed(
        service, head(deployment.owner, deployment.path("queue"), *fields) + b"\r\n0\r\n\r\n" + hidden
    )


def test_a_request_that_is_cut_off_queues_nothing(service: Service, deployment: Deployment) -> None:
    for fields, body in (
        ([LENGTH], FORM[:-1]),
        (["Transfer-Encoding: chunked"], CHUNKED[:-2]),
        (["Transfer-Encoding: chunked"], b"17\r\n" + FORM),
    ):
        with service.connect() as connection:
            connection.sendall(head(deployment.owner, deployment.path("queue"), KIND, *fields) + b"\r\n" + body)
    with service.connect() as connection:
        connection.sendall(head(deployment.owner, "/healthz", method="GET") + b"\r\n")
        assert Answer.read(connection).status_code == 200


def test_headers_without_end_are_refused(service: Service, deployment: Deployment) -> None:
    with service.connect() as connection:
        connection.sendall(head(deployment.owner, deployment.path("queue"), KIND))
        sent = 0
        try:
            while sent < 16 * 1024 * 1024:
                connection.sendall(b"X: " + b"a" * 65000 + b"\r\n")
                sent += 65005
        except (BrokenPipeError, ConnectionResetError):
            return
    raise AssertionError("the service took headers without end")


def test_what_follows_a_whole_request_does_not_take_its_answer(service: Service, deployment: Deployment) -> None:
    for garbage in (b"nonsense\r\n\r\n", b"\x00" * 1000, b"GET / HTTP/1.1\r\nno colon\r\n\r\n"):
        with service.connect() as connection:
            request = head(deployment.owner, deployment.path("cancel"), method="DELETE") + b"\r\n"
            connection.sendall(request + garbage)
            assert Answer.read(connection, "DELETE").status_code == 202


def test_requests_follow_each_other_on_one_connection(service: Service, deployment: Deployment) -> None:
    """Also when a client offers HTTP/2 on the way, as cURL does if it is told to."""
    upgrade = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"]
    with service.connect() as connection:
        for offer in ([], upgrade, []):
            fields = ["Content-Type: application/json", "Content-Length: 2", *offer]
            connection.sendall(head(deployment.owner, deployment.path("queue"), *fields) + b"\r\n{}")
            assert "phone_number" in assert_error(Answer.read(connection), 400)


def test_a_request_says_which_host_it_is_for(service: Service) -> None:
    """RFC 9112 section 3.2; HTTP/1.0 knew no Host."""
    assert_refused_and_closed(service, b"GET /healthz HTTP/1.1\r\n\r\n")
    assert_refused_and_closed(service, b"GET /healthz HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n")
    assert service.exchange(b"GET /healthz HTTP/1.0\r\n\r\n").status_code == 200
