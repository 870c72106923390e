"""Results arrive: from the outbox to a real HTTP server, whatever that does."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.fernet import Fernet
from standardwebhooks import Webhook, WebhookVerificationError

from calloff.accounts.secrets import SecretBox
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import Destination
from calloff.queue.cancel import cancel_pending
from calloff.queue.details import call_details
from calloff.queue.read import find_call
from calloff.queue.settler import settle_canceled
from calloff.queue.submit import submit
from calloff.webhooks import deliver
from calloff.webhooks.deliver import Sender
from calloff.webhooks.guard import AddressRefused, Guard
from calloff.webhooks.keys import current_key, rotate_key
from calloff.webhooks.outbox import Callback, claim_callbacks, list_callbacks, redeliver
from calloff.webhooks.worker import PER_HOST, Worker
from tests.support.seed import seed
from tests.support.sink import OK, Request, Sink, answer, sink

LOOPBACK = [ip_network("127.0.0.0/8")]
BOX = SecretBox(Fernet.generate_key().decode())


@asynccontextmanager
async def delivering(pool: Pool, guard: Guard | None = None) -> AsyncIterator[Worker]:
    """A worker that runs."""
    sender = Sender(pool, BOX, guard or Guard(LOOPBACK))
    worker, stop = Worker(pool, sender), asyncio.Event()
    running = asyncio.create_task(worker.run(stop))
    try:
        yield worker
    finally:
        stop.set()
        await running
        await sender.close()


async def over(pool: Pool, url: str, calls: int = 1, **fields: Any) -> tuple[int, list[int]]:
    """A deployment with calls that are over, and whose results wait in the outbox."""
    made = await seed(pool)
    new = NewCall(Destination("6175551234"), result_url=url, **fields)
    ids = [await submit(pool, made.deployment_id, new) for _ in range(calls)]
    await cancel_pending(pool, made.deployment_id, user_id=None, origin="test")
    assert await settle_canceled(pool) == calls
    return made.deployment_id, ids


async def wait_marked(pool: Pool, deployment_id: int) -> Callback:
    """The deployment's only callback, once its attempt was marked."""
    async with asyncio.timeout(20):
        while True:
            [callback] = await list_callbacks(pool, deployment_id, limit=2)
            if callback.delivered_at or callback.gave_up_at or callback.last_error:
                return callback
            await asyncio.sleep(0.02)


async def due_again(pool: Pool) -> None:
    """Let the time until the next attempt pass."""
    async with pool.connection() as connection:
        await connection.execute("UPDATE callback SET next_attempt_at = now(), last_error = NULL")


async def test_a_result_arrives_signed_and_says_what_the_status_says(pool: Pool) -> None:
    async with sink() as far, delivering(pool):
        deployment_id, [call_id] = await over(pool, far.url)
        callback = await wait_marked(pool, deployment_id)
        [request] = far.requests
    call = await find_call(pool, call_id)
    assert call is not None
    assert callback.delivered_at is not None
    assert json.loads(request.body) == call_details(call)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == f"msg_{call_id}"
    webhook = Webhook(await current_key(pool, BOX, deployment_id))
    webhook.verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        webhook.verify(request.body + b" ", request.headers)
    with pytest.raises(WebhookVerificationError):
        webhook.verify(request.body, {**request.headers, "webhook-timestamp": "1475095892"})


async def test_a_form_has_nested_keys_in_brackets(pool: Pool) -> None:
    async with sink() as far:
        deployment_id, _ = await over(pool, far.url)
        async with pool.connection() as connection:
            await connection.execute("UPDATE deployment SET callback_format = 'form'")
        async with delivering(pool):
            await wait_marked(pool, deployment_id)
    form = parse_qs(far.requests[0].body.decode(), keep_blank_values=True)
    assert form["status"] == ["canceled"]
    assert form["events[1][event]"] == ["canceled"]
    assert form["result"] == [""]


async def test_a_rotated_key_signs_beside_the_former_one(pool: Pool) -> None:
    async with sink() as far, delivering(pool):
        deployment_id, _ = await over(pool, far.url)
        await far.wait(1)
        former = await current_key(pool, BOX, deployment_id)
        fresh = await rotate_key(pool, BOX, deployment_id)
        assert await redeliver(pool, deployment_id, far_call(far)) == 1
        await far.wait(2)
        async with pool.connection() as connection:
            await connection.execute("UPDATE callback_key SET expires_at = now() WHERE expires_at IS NOT NULL")
        await wait_marked(pool, deployment_id)
        await redeliver(pool, deployment_id, far_call(far))
        await far.wait(3)
    assert former != fresh
    for key in (former, fresh):
        Webhook(key).verify(far.requests[1].body, far.requests[1].headers)
    Webhook(fresh).verify(far.requests[2].body, far.requests[2].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(former).verify(far.requests[2].body, far.requests[2].headers)


def far_call(far: Sink) -> int:
    return int(far.requests[0].headers["webhook-id"].removeprefix("msg_"))


async def hang(_request: Request, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def reset(_request: Request, writer: asyncio.StreamWriter) -> None:
    socket_ = writer.get_extra_info("socket")
    socket_.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.close()


async def endless(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    ("behave", "status", "error"),
    [
        (answer(b"500 No"), 500, "answered 500"),
        (answer(b"302 Found\r\nLocation: http://127.0.0.1:1/private"), 302, "answered 302"),
        (answer(b"429 Slow down\r\nRetry-After: 4000"), 429, "answered 429"),
        (hang, None, "no answer within"),
        (reset, None, "connection failed"),
    ],
)
async def test_a_failure_is_tried_again_under_the_same_id(
    pool: Pool, behave: Any, status: int | None, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "DEADLINE", 1.0)
    async with sink(behave) as far, delivering(pool):
        deployment_id, _ = await over(pool, far.url)
        callback = await wait_marked(pool, deployment_id)
        assert callback.last_status == status
        assert callback.last_error is not None
        assert callback.last_error.startswith(error)
        assert len(far.requests) == 1, "redirects are not followed"
        wait = (callback.next_attempt_at - callback.created_at).total_seconds()
        assert wait > (4000 if status == 429 else 4)
        far.behave = sink_ok
        await due_again(pool)
        assert (await wait_marked(pool, deployment_id)).delivered_at is not None
    assert far.requests[0].headers["webhook-id"] == far.requests[-1].headers["webhook-id"]


async def sink_ok(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)
    await writer.drain()


async def test_an_endless_answer_is_taken_by_its_status_and_cut_off(pool: Pool) -> None:
    async with sink(endless) as far, delivering(pool):
        deployment_id, _ = await over(pool, far.url)
        assert (await wait_marked(pool, deployment_id)).delivered_at is not None


async def test_gone_ends_it(pool: Pool) -> None:
    async with sink(answer(b"410 Gone")) as far, delivering(pool):
        deployment_id, _ = await over(pool, far.url)
        callback = await wait_marked(pool, deployment_id)
    assert callback.gave_up_at is not None
    assert callback.attempts == 1


async def test_after_the_last_try_it_is_given_up_and_can_be_redelivered(pool: Pool) -> None:
    async with sink(answer(b"500 No")) as far:
        deployment_id, _ = await over(pool, far.url)
        async with pool.connection() as connection:
            await connection.execute("UPDATE callback SET attempts = 9")
        async with delivering(pool):
            assert (await wait_marked(pool, deployment_id)).gave_up_at is not None
            far.behave = sink_ok
            assert await redeliver(pool, deployment_id) == 1
            async with asyncio.timeout(10):
                while (await wait_marked(pool, deployment_id)).delivered_at is None:
                    await asyncio.sleep(0.02)


async def test_a_process_that_died_with_a_callback_leaves_it_to_the_next(pool: Pool) -> None:
    async with sink() as far:
        deployment_id, [call_id] = await over(pool, far.url)
        [taken] = await claim_callbacks(pool, f"127.0.0.1:{far.port}", 10)
        assert taken.call_id == call_id
        async with delivering(pool):
            assert await claim_callbacks(pool, f"127.0.0.1:{far.port}", 10) == [], "it is leased"
            await due_again(pool)  # the lease is over
            assert (await wait_marked(pool, deployment_id)).delivered_at is not None
    assert far.requests[0].headers["webhook-id"] == f"msg_{call_id}"


async def test_a_dead_host_with_ten_thousand_results_delays_nobody_else(pool: Pool) -> None:
    async with sink(hang) as dead, sink() as alive, delivering(pool):
        dead_deployment, _ = await over(pool, dead.url)
        async with pool.connection() as connection:
            await connection.execute(
                "INSERT INTO callback (call_id, deployment_id, host) "
                "SELECT 1000000 + n, %s, %s FROM generate_series(1, 10000) AS n",
                (dead_deployment, f"127.0.0.1:{dead.port}"),
            )
        await dead.wait(1)
        deployment_id, _ = await over(pool, alive.url)
        assert (await wait_marked(pool, deployment_id)).delivered_at is not None
        assert len(dead.requests) <= PER_HOST
        async with pool.connection() as connection:
            row = await (await connection.execute("SELECT count(*) AS n FROM callback WHERE attempts > 0")).fetchone()
        assert row is not None
        # As many as are let go at once, those included whose call is no more.
        assert row["n"] <= 10001


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "[64:ff9b::7f00:1]",
        "[fe80::1]",
        "0.0.0.0",
        "100.64.0.1",
    ],
)
async def test_no_way_of_writing_a_private_address_gets_through(host: str) -> None:
    with pytest.raises((AddressRefused, httpx.InvalidURL)):
        await Guard().checked(httpx.URL(f"http://{host}/"))


async def test_a_name_that_resolves_differently_the_second_time_is_of_no_use(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checked address is the one that is connected to: the name is resolved once, and TLS and Host keep it."""
    resolved: list[str] = []
    async with sink() as far:
        loop = asyncio.get_running_loop()
        real = loop.getaddrinfo

        async def rebinding(host: str, port: int, **options: Any) -> Any:
            if host != "rebind.example":
                return await real(host, port, **options)
            resolved.append(host)
            address = "127.0.0.1" if len(resolved) == 1 else "10.9.9.9"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(loop, "getaddrinfo", rebinding)
        deployment_id, _ = await over(pool, f"http://rebind.example:{far.port}/done")
        async with delivering(pool):
            assert (await wait_marked(pool, deployment_id)).delivered_at is not None
    assert resolved == ["rebind.example"]
    assert far.requests[0].headers["host"] == f"rebind.example:{far.port}"


async def test_a_private_address_is_refused_unless_the_operator_allows_it(pool: Pool) -> None:
    async with sink() as far, delivering(pool, Guard()):
        deployment_id, _ = await over(pool, far.url)
        callback = await wait_marked(pool, deployment_id)
    assert callback.delivered_at is None
    assert callback.last_error is not None
    assert "not public" in callback.last_error
    assert far.requests == []
