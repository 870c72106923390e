"""Requests to addresses that somebody else named: whom they connect to, and what they tell them."""

import asyncio
import base64
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from threading import Event
from typing import Any

import numpy
import pytest

from calloff.outbound.client import Client, NotAnAddress, Unreachable
from calloff.outbound.guard import Guard
from calloff.voice.audio import decode_sound
from calloff.voice.cache import AudioCache
from calloff.voice.recordings import Recordings, RecordingUnavailable
from calloff.voice.web import Web
from calloff.webhooks.post import post
from tests.conformance.tls_far_end import make_ca, make_certificate
from tests.support.sink import OK, Request, answer, sink
from tests.unit.voice.conftest import wav

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names resolve to, besides those that really do."""
    known: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host not in known:
            return real(host, port, *arguments, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ca(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def server_tls(authority: Path) -> ssl.SSLContext:
    """A server that has a certificate for `a.example` and for an international name, and for no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = "DNS:a.example,DNS:xn--bcher-kva.example"
    context.load_cert_chain(make_certificate(authority.parent, authority, names))
    return context


@pytest.fixture
async def client(authority: Path) -> AsyncIterator[Client]:
    made = Client(Guard(LOOPBACK), ssl.create_default_context(cafile=authority))
    yield made
    await made.close()


@pytest.fixture
def held() -> Iterator[Event]:
    """Set at the end, so that no thread stays behind."""
    with ExitStack() as stack:
        event = Event()
        stack.callback(event.set)
        yield event


async def test_a_certificate_vouches_for_the_name_although_the_address_is_connected_to(
    client: Client, names: dict[str, list[str]], server_tls: ssl.SSLContext
) -> None:
    seen: list[str | None] = []
    server_tls.sni_callback = lambda _socket, name, _context: seen.append(name)
    for host in ("a.example", "b.example", "xn--bcher-kva.example"):
        names[host] = ["127.0.0.1"]
    async with sink(tls=server_tls) as far:
        assert (await post(client, f"https://a.example:{far.port}/", {}, "1")).status == 200
        # The same address, whose connection for a.example must not be used for b.example.
        refused = await post(client, f"https://b.example:{far.port}/", {}, "2")
        assert (refused.status, refused.error) == (None, "its certificate is not valid for the host")
        assert (await post(client, f"https://b\u00fccher.example:{far.port}/", {}, "3")).error == ""
    assert seen == ["a.example", "b.example", "xn--bcher-kva.example"]
    assert [request.headers["host"].partition(":")[0] for request in far.requests] == [seen[0], seen[2]]


async def test_a_certificate_of_an_unknown_authority_is_refused(
    names: dict[str, list[str]], server_tls: ssl.SSLContext
) -> None:
    names["a.example"] = ["127.0.0.1"]
    client = Client(Guard(LOOPBACK))
    async with sink(tls=server_tls) as far:
        found = await post(client, f"https://a.example:{far.port}/", {}, "")
    await client.close()
    assert (found.status, found.error) == (None, "its certificate is not valid for the host")
    assert far.requests == []


async def test_no_host_gets_the_cookie_of_another_or_its_own_back(client: Client, names: dict[str, list[str]]) -> None:
    names["a.example"] = names["b.example"] = ["127.0.0.1"]
    async with sink(answer(b"200 OK\r\nSet-Cookie: session=a; Path=/")) as far:
        for host in ("a.example", "b.example", "a.example"):
            assert (await post(client, f"http://{host}:{far.port}/", {}, "")).is_delivered
    assert all("cookie" not in request.headers for request in far.requests)


async def test_the_next_address_is_tried_when_one_cannot_be_connected_to(
    client: Client, names: dict[str, list[str]]
) -> None:
    names["two.example"] = ["127.0.0.2", "127.0.0.1"]
    async with sink() as far:
        assert (await post(client, f"http://two.example:{far.port}/", {}, "x")).is_delivered
    assert [request.body for request in far.requests] == [b"x"]


async def test_a_request_that_was_read_is_not_sent_to_the_next_address(
    client: Client, names: dict[str, list[str]]
) -> None:
    async def hang_up(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.close()

    names["two.example"] = ["127.0.0.1", "127.0.0.1", "127.0.0.2"]
    async with sink(hang_up) as far:
        assert (await post(client, f"http://two.example:{far.port}/", {}, "x")).status is None
        assert len(far.requests) == 1


async def test_an_address_of_ipv6_and_a_password_in_the_url(client: Client) -> None:
    async with sink(address="::1") as far:
        assert (await post(client, f"http://user:p%40ss@[::1]:{far.port}/done?a=b", {}, "x")).is_delivered
    [request] = far.requests
    assert request.path == "/done?a=b"
    assert request.headers["host"] == f"[::1]:{far.port}"
    assert request.headers["authorization"] == f"Basic {base64.b64encode(b'user:p@ss').decode()}"


async def test_a_redirect_to_a_private_address_is_not_followed(client: Client) -> None:
    async with sink() as private:
        location = f"http://127.0.0.1:{private.port}/".encode()
        for status in (b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"):
            async with sink(answer(status + b"\r\nLocation: " + location)) as far:
                found = await post(client, far.url, {}, "x")
            assert (found.status, found.is_delivered) == (int(status[:3]), False)
        assert private.requests == []


@pytest.mark.parametrize("url", ["http://a.example:99999/", "http://[::1/", "http://" + "a" * 70 + ".example/"])
async def test_what_is_no_address_is_an_answer_and_no_exception(client: Client, url: str) -> None:
    assert (await post(client, url, {}, "")).status is None


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, b"nonsense", b"HTTP/1.1 999999 No", b"HTTP/1.1 200 OK\r\n: x"]
)
async def test_an_answer_that_is_none_is_a_failure(client: Client, head: bytes) -> None:
    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"\r\n\r\n")
        writer.close()

    async with sink(behave) as far:
        found = await post(client, far.url, {}, "")
    assert (found.status, found.is_delivered) == (None, False)


async def test_an_answer_that_trickles_is_taken_by_its_status(client: Client) -> None:
    async def trickle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(OK.replace(b"Length: 2", b"Length: 2000"))
        await asyncio.Event().wait()

    async with sink(trickle) as far:
        assert (await post(client, far.url, {}, "")).is_delivered


async def test_a_name_server_that_never_answers_keeps_one_thread_and_nobody_else(
    client: Client, monkeypatch: pytest.MonkeyPatch, held: Event
) -> None:
    real, asked = socket.getaddrinfo, []

    def look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        if host == "dead.example":
            asked.append(host)
            held.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return real(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    waiting = [asyncio.create_task(post(client, "http://dead.example/", {}, "")) for _ in range(60)]
    async with sink() as far:
        assert (await post(client, far.url.replace("127.0.0.1", "localhost"), {}, "")).is_delivered
    assert asked == ["dead.example"]
    held.set()
    assert all("not known" in found.error for found in await asyncio.gather(*waiting))


SOUND = wav(numpy.full(480, 100, dtype=numpy.int16))


async def wav_answer(_request: Request, writer: asyncio.StreamWriter) -> None:
    """A recording, and a cookie."""
    head = f"HTTP/1.1 200 OK\r\nSet-Cookie: session=a; Path=/\r\nContent-Length: {len(SOUND)}\r\n\r\n"
    writer.write(head.encode() + SOUND)
    await writer.drain()


async def nothing(_name: str) -> bytes | None:
    """No recording was uploaded."""
    return None


async def test_two_hosts_on_one_address_are_two_for_recordings_too(
    client: Client, names: dict[str, list[str]], server_tls: ssl.SSLContext, authority: Path, tmp_path: Path
) -> None:
    """Each has a certificate of its own at one address, and gets neither the connection nor the cookie of the other."""
    other_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    other_tls.load_cert_chain(make_certificate(authority.parent, authority, "DNS:b.example"))
    names["a.example"] = names["b.example"] = ["127.0.0.1"]
    recordings = Recordings(AudioCache(tmp_path), Web(client))
    async with sink(wav_answer, tls=server_tls) as a, sink(wav_answer, tls=other_tls) as b:
        for path in ("1.wav", "2.wav"):
            await recordings.sound(f"https://a.example:{a.port}/{path}", nothing)
        assert await recordings.sound(f"https://b.example:{b.port}/", nothing) == decode_sound(SOUND)
        for host, port in (("a.example", b.port), ("b.example", a.port)):
            with pytest.raises(RecordingUnavailable, match="its certificate is not valid for the host"):
                await recordings.sound(f"https://{host}:{port}/", nothing)
        assert [request.path for request in a.requests] == ["/1.wav", "/2.wav"]
        assert [request.path for request in b.requests] == ["/"]
        assert all("cookie" not in request.headers for request in a.requests + b.requests)


async def test_what_is_fetched_comes_whole_with_its_status_and_headers(client: Client) -> None:
    async def page(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nX-Page: 1\r\nContent-Length: 9\r\n\r\n" + request.body)

    async with sink(page) as far:
        found = await client.fetch(far.url, {"x-sent": "1"}, max_bytes=9, seconds=5, method="POST", body="123456789")
        assert (found.status, found.headers["x-page"], found.body) == (404, "1", b"123456789")
        assert far.requests[0].headers["x-sent"] == "1"
        with pytest.raises(Unreachable, match="more than 8 bytes"):
            await client.fetch(far.url, max_bytes=8, seconds=5, method="POST", body="123456789")


async def test_a_body_that_never_ends_or_is_packed_is_not_taken(client: Client) -> None:
    async def trickle(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(OK.replace(b"Length: 2", b"Length: 2000"))
        await asyncio.Event().wait()

    async with sink(trickle) as far:
        with pytest.raises(Unreachable, match="no answer within"):
            await client.fetch(far.url, max_bytes=10, seconds=0.3)
    async with sink(answer(b"200 OK\r\nContent-Encoding: gzip")) as far:
        with pytest.raises(Unreachable, match="compressed"):
            await client.fetch(far.url, max_bytes=10, seconds=5)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "127.0.0.1", "http:///", "http://[::1/"])
async def test_only_http_and_https_addresses_are_asked(client: Client, url: str) -> None:
    with pytest.raises(NotAnAddress):
        await client.fetch(url, max_bytes=10, seconds=5)
