"""Bodies that are too large, packed, or of another kind: 413 or 415 while they come in, and nothing is queued."""

import gzip
import json
import zlib
from base64 import b64encode

import pytest

from tests.acceptance.conftest import Ask
from tests.acceptance.expect import assert_error
from tests.acceptance.service import Answer, Service
from tests.acceptance.tenants import Deployment, User

pytestmark = pytest.mark.usefixtures("nothing_queued")

FORM = b"phone_number=6175551234"
ENOUGH = 64 * 1024 * 1024
"""Bytes after which an endless body has to have been refused."""


def head(user: User, path: str, *fields: str, method: str = "POST") -> bytes:
    """The head of a request of this user's, without its empty last line."""
    credentials = b64encode(f"{user.email}:{user.key}".encode()).decode()
    lines = [f"{method} {path} HTTP/1.1", "Host: calloff", f"Authorization: Basic {credentials}", *fields, ""]
    return "\r\n".join(lines).encode()


@pytest.mark.parametrize("length", ["104857600", "1099511627776", "9223372036854775807"])
@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"]
)
def test_a_length_that_is_too_large_is_413_at_once(
    service: Service, deployment: Deployment, kind: str, length: str
) -> None:
    fields = [f"Content-Type: {kind}", f"Content-Length: {length}"]
    answer = service.exchange(head(deployment.owner, deployment.path("queue"), *fields) + b"\r\n" + FORM)
    assert_error(answer, 413)


def test_whoever_expects_to_be_told_is_told_before_the_body(service: Service, deployment: Deployment) -> None:
    fields = ["Content-Type: application/json", "Content-Length: 104857600", "Expect: 100-continue"]
    assert_error(service.exchange(head(deployment.owner, deployment.path("queue"), *fields) + b"\r\n"), 413)


@pytest.mark.parametrize(
    ("kind", "start", "more"),
    [
        ("application/x-www-form-urlencoded", FORM + b"&result_url=", b"a"),
        ("application/x-www-form-urlencoded", FORM, b"&a=b"),
        ("application/json", b'{"phone_number": "', b"6"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="result_url"\r\n\r\n', b"a"),
        (
            "multipart/form-data; boundary=b",
            b"",
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n',
        ),
        ("multipart/form-data; boundary=b", b"--b\r\nX: ", b"a"),
    ],
    ids=["form value", "form fields", "json", "multipart value", "multipart fields", "multipart header"],
)
def test_an_endless_body_is_refused_while_it_comes_in(
    service: Service, deployment: Deployment, kind: str, start: bytes, more: bytes
) -> None:
    fields = [f"Content-Type: {kind}", "Transfer-Encoding: chunked"]
    data = more * (65536 // len(more))
    chunk = b"%x\r\n%b\r\n" % (len(data), data)
    first = b"%x\r\n%b\r\n" % (len(start), start) if start else b""
    service.exchange(head(deployment.owner, "/healthz", method="GET") + b"\r\n")
    before = service.memory()
    with service.connect() as connection:
        sent = 0
        try:
            connection.sendall(head(deployment.owner, deployment.path("queue"), *fields) + b"\r\n" + first)
            while sent < ENOUGH:
                connection.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < ENOUGH, "the service took an endless body"
        assert service.memory() - before < 8 * 1024 * 1024


@pytest.mark.parametrize("start", ["form", "json"])
def test_a_chunked_body_that_is_too_large_is_413(service: Service, deployment: Deployment, start: str) -> None:
    """Sent in small steps, so that the answer is there before the connection is cut."""
    kind = "application/json" if start == "json" else "application/x-www-form-urlencoded"
    fields = [f"Content-Type: {kind}", "Transfer-Encoding: chunked"]
    chunk = b"10000\r\n" + b"6" * 65536 + b"\r\n"
    with service.connect() as connection:
        connection.sendall(head(deployment.owner, deployment.path("queue"), *fields) + b"\r\n")
        connection.settimeout(0.02)
        for _ in range(ENOUGH // 65536):
            connection.sendall(chunk)
            try:
                if connection.recv(1, 2):  # MSG_PEEK
                    break
            except TimeoutError:
                continue
        connection.settimeout(10)
        assert_error(Answer.read(connection), 413)


def test_too_many_fields(ask: Ask, deployment: Deployment) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    body = FORM + b"".join(b"&field%d=1" % number for number in range(3000))
    response = ask("POST", deployment.path("queue"), content=body, headers=form)
    assert_error(response, 413 if response.status_code == 413 else 400)
    parts = {"phone_number": (None, "6175551234")} | {f"field{number}": (None, "1") for number in range(1000)}
    response = ask("POST", deployment.path("queue"), files=parts)
    assert_error(response, 413 if response.status_code == 413 else 400)


@pytest.mark.parametrize("packing", ["gzip", "deflate", "br", "zstd", "x-gzip", "GZIP", "gzip, gzip", "nonsense"])
def test_a_packed_body_is_415(ask: Ask, deployment: Deployment, packing: str) -> None:
    body = zlib.compress(FORM) if packing == "deflate" else gzip.compress(FORM)
    headers = {"content-type": "application/x-www-form-urlencoded", "content-encoding": packing}
    assert_error(ask("POST", deployment.path("queue"), content=body, headers=headers), 415)


def test_a_gzip_bomb_is_415(ask: Ask, deployment: Deployment) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded", "content-encoding": "gzip"}
    bomb = gzip.compress(FORM + b"0" * 50_000_000)
    assert_error(ask("POST", deployment.path("queue"), content=bomb, headers=headers), 415)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/csv",
        "application/xml",
        "application/octet-stream",
        "multipart/mixed; boundary=b",
        "application/jsonp",
        "application/x-www-form-urlencodedx",
        "json",
        "",
        ";;;",
        "a" * 5000,
    ],
)
@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
def test_another_kind_of_body_is_415(ask: Ask, deployment: Deployment, kind: str, xml: bool) -> None:
    headers = {"content-type": kind, "accept": "application/xml" if xml else "*/*"}
    assert_error(ask("POST", deployment.path("queue"), content=FORM, headers=headers), 415, xml=xml)


def test_a_body_of_no_kind_is_415(ask: Ask, deployment: Deployment) -> None:
    assert_error(ask("POST", deployment.path("queue"), content=FORM), 415)


def test_another_charset_is_never_taken_for_utf8(ask: Ask, deployment: Deployment) -> None:
    body = json.dumps({"phone_number": "6175551234", "variables": {"name": "Zoë"}}, ensure_ascii=False)
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        headers = {"content-type": f"{kind}; charset=iso-8859-1"}
        response = ask("POST", deployment.path("queue"), content=body.encode("latin-1"), headers=headers)
        assert_error(response, 415 if response.status_code == 415 else 400)
