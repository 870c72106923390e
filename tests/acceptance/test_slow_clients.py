"""Clients that send one byte a second are given up, and keep nobody else from an answer (security.md row 12)."""

import asyncio
import base64
import contextlib
import select

import httpx

from tests.acceptance.expect import assert_error
from tests.acceptance.service import Answer, Service
from tests.acceptance.tenants import Deployment

CLIENTS = 2000


async def test_two_thousand_slow_clients_keep_nobody_from_an_answer(service: Service) -> None:
    async def trickle() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        answer = asyncio.create_task(reader.read())
        with contextlib.suppress(ConnectionError):
            for byte in b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 60:
                writer.write(bytes([byte]))
                await asyncio.wait([answer], timeout=1)
                if answer.done():
                    break
        writer.close()
        return await answer

    slow = [asyncio.create_task(trickle()) for _ in range(CLIENTS)]
    try:
        async with httpx.AsyncClient(base_url=service.url, trust_env=False, timeout=60) as probe:
            for _ in range(6):
                assert (await probe.get("/readyz")).status_code == 200
    finally:
        answers = await asyncio.gather(*slow, return_exceptions=True)
    told = [answer for answer in answers if isinstance(answer, bytes) and answer.startswith(b"HTTP/1.1 408 ")]
    # A client that is too busy to read while its connection lingers finds it reset.
    cut_off = [answer for answer in answers if isinstance(answer, ConnectionError)]
    assert told
    assert len(told) + len(cut_off) == CLIENTS, [a for a in answers if a not in told and a not in cut_off][:5]


def test_a_client_that_goes_on_sending_still_reads_why_it_was_refused(service: Service) -> None:
    with service.connect(30) as connection:
        connection.sendall(b"not HTTP\r\n\r\n")
        said_all = select.poll()
        said_all.register(connection, select.POLLRDHUP)
        assert said_all.poll(10_000)
        # Sent to a closed connection, this would bring a reset, with which many clients lose what they had not read.
        connection.sendall(b"more of it")
        connection.sendall(b"and more")
        assert_error(Answer.read(connection), 400)
        assert connection.recv(1) == b""


def test_a_body_that_does_not_come_is_408(service: Service, deployment: Deployment) -> None:
    owner = deployment.owner
    credentials = base64.b64encode(f"{owner.email}:{owner.key}".encode()).decode()
    head = (
        f"POST {deployment.path('queue')} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 50\r\n\r\nphone_"
    )
    with service.connect(60) as connection:
        connection.sendall(head.encode())
        assert_error(Answer.read(connection), 408)
