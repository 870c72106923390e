"""Results arrive: from the outbox to a real HTTP server, whatever that does."""

import asyncio
import json
import socket
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from cryptography.fernet import Fernet
from standardwebhooks import Webhook, WebhookVerificationError

from calloff.accounts.callback_keys import current_key, rotate_key
from calloff.accounts.secrets import SecretBox
from calloff.calls.redeliver import redeliver
from calloff.contract.details import call_details
from calloff.db.pool import Pool
from calloff.outbound.guard import AddressRefused, Guard
from calloff.reports.callbacks import list_callbacks
from calloff.reports.read import find_call
from calloff.webhooks import deliver, outbox, post
from calloff.webhooks.outbox import claim_callbacks
from calloff.webhooks.turns import PER_HOST
from tests.support.callbacks import BOX, add_waiting, delivering, due_again, over, wait_marked
from tests.support.sink import OK, Request, Sink, answer, sink


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


async def drip(_request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def slow(_request: Request, writer: asyncio.StreamWriter) -> None:
    for byte in OK:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


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
        (drip, None, "no answer within"),
    ],
)
async def test_a_failure_is_tried_again_under_the_same_id(
    pool: Pool, behave: Any, status: int | None, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if behave in (hang, drip):
        monkeypatch.setattr(post, "DEADLINE", 1.0)
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


@pytest.mark.parametrize("limit", ["bytes", "seconds"])
async def test_an_endless_answer_is_taken_by_its_status_and_cut_off(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    """Each of the two limits is enough by itself."""
    if limit == "bytes":
        monkeypatch.setattr(post, "_REST_OF_ANSWER", 3600)
    else:
        monkeypatch.setattr(post, "MAX_ANSWER", 2**62)
    async with sink(endless) as far, delivering(pool):
        deployment_id, _ = await over(pool, far.url)
        assert (await wait_marked(pool, deployment_id)).delivered_at is not None


async def test_a_slow_answer_is_waited_for(pool: Pool) -> None:
    async with sink(slow) as far, delivering(pool):
        deployment_id, _ = await over(pool, far.url)
        assert (await wait_marked(pool, deployment_id)).delivered_at is not None
        assert len(far.requests) == 1


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
            await connection.execute("UPDATE callback SET failures = 9")
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


async def test_the_lease_of_a_process_that_died_ends_by_itself(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lease() -> float:
        async with pool.connection() as connection:
            statement = "SELECT extract(epoch FROM next_attempt_at - now())::float8 AS seconds FROM callback"
            row = await (await connection.execute(statement)).fetchone()
        assert row is not None
        return float(row["seconds"])

    async with sink() as far:
        deployment_id, [call_id] = await over(pool, far.url)
        host = f"127.0.0.1:{far.port}"
        assert len(await claim_callbacks(pool, host, 10)) == 1
        assert post.DEADLINE < await lease() <= 60, "longer than any attempt takes, and no longer than anybody waits"
        await due_again(pool)
        monkeypatch.setattr(outbox, "LEASE", 1.0)
        assert len(await claim_callbacks(pool, host, 10)) == 1
        monkeypatch.undo()
        async with delivering(pool):
            assert (await wait_marked(pool, deployment_id)).delivered_at is not None
    assert [request.headers["webhook-id"] for request in far.requests] == [f"msg_{call_id}"]


async def test_a_dead_host_with_ten_thousand_results_delays_nobody_else(pool: Pool) -> None:
    async with sink(hang) as dead, sink() as alive, delivering(pool):
        dead_deployment, _ = await over(pool, dead.url)
        await add_waiting(pool, dead_deployment, f"127.0.0.1:{dead.port}", 10_000)
        await dead.wait(PER_HOST)
        deployment_id, _ = await over(pool, alive.url)
        await add_waiting(pool, deployment_id, f"127.0.0.1:{alive.port}", 99)
        await alive.wait(100)
        assert len(dead.requests) == PER_HOST, "none of the hanging ones has ended"
        dead.close()


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
        await Guard().addresses(httpx.URL(f"http://{host}/"))


@pytest.mark.parametrize(
    ("host", "message"),
    [
        (
            "127.0.0.1",
            "The host has an address that is not public. Use a public one, or let the operator allow its network.",
        ),
        ("nowhere.invalid", "The host is not known. Correct the address."),
        ("a" * 70 + ".example", "The host is not known. Correct the address."),
    ],
)
async def test_a_refusal_says_what_to_mend_and_does_not_repeat_the_address(pool: Pool, host: str, message: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        await Guard().addresses(httpx.URL(f"http://user:hush@{host}/secret"))
    assert refused.value.message == message
    async with delivering(pool, Guard()):
        deployment_id, _ = await over(pool, f"http://user:hush@{host}/secret")
        assert (await wait_marked(pool, deployment_id)).last_error == message


async def test_a_name_that_resolves_differently_the_second_time_is_of_no_use(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checked address is the one that is connected to: the name is resolved once, and TLS and Host keep it."""
    resolved: list[str] = []
    async with sink() as far:
        real = socket.getaddrinfo

        def rebinding(host: Any, *arguments: Any, **options: Any) -> Any:
            if host != "rebind.example":
                return real(host, *arguments, **options)
            resolved.append(host)
            address = "127.0.0.1" if len(resolved) == 1 else "10.9.9.9"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, far.port))]

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
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


async def test_one_private_address_among_public_ones_is_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(AddressRefused):
        await Guard().addresses(httpx.URL("http://both.example/"))


async def test_a_key_that_cannot_be_read_shows_in_the_list_and_keeps_to_the_schedule(pool: Pool) -> None:
    other = SecretBox(Fernet.generate_key().decode())
    async with sink() as far:
        deployment_id, _ = await over(pool, far.url)
        await current_key(pool, other, deployment_id)
        async with delivering(pool):
            callback = await wait_marked(pool, deployment_id)
    assert far.requests == [], "nothing goes out unsigned"
    assert callback.last_error is not None
    assert "CALLOFF_SECRET_KEY" in callback.last_error


async def test_a_fault_of_ours_does_not_go_round_and_round(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("6175551234")

    async with sink() as far:
        deployment_id, _ = await over(pool, far.url)
        monkeypatch.setattr(deliver, "post", broken)
        async with delivering(pool):
            callback = await wait_marked(pool, deployment_id)
    assert callback.last_error == "it could not be made (RuntimeError)"
    assert (callback.next_attempt_at - callback.created_at).total_seconds() > 4


async def test_a_redelivery_is_not_lost_to_a_delivery_that_is_on_its_way(pool: Pool) -> None:
    let_go = asyncio.Event()

    async def hold(request: Request, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        await sink_ok(request, writer)

    async with sink(hold) as far, delivering(pool):
        deployment_id, [call_id] = await over(pool, far.url)
        await far.wait(1)
        assert await redeliver(pool, deployment_id, call_id) == 1
        let_go.set()
        await far.wait(2)
        assert (await wait_marked(pool, deployment_id)).delivered_at is not None
    assert len({request.headers["webhook-id"] for request in far.requests}) == 1


async def test_a_worker_that_is_told_to_stop_finishes_what_is_on_its_way_and_begins_nothing(pool: Pool) -> None:
    let_go = asyncio.Event()

    async def hold(request: Request, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        await sink_ok(request, writer)

    async with sink(hold) as far:
        async with delivering(pool) as stop:
            deployment_id, _ = await over(pool, far.url, calls=PER_HOST + 1)
            await far.wait(PER_HOST)
            stop.set()
            let_go.set()
        found = await list_callbacks(pool, deployment_id, limit=10)
        assert len(far.requests) == PER_HOST
        assert sum(each.delivered_at is not None for each in found) == PER_HOST
