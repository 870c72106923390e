"""A delivery process is killed at every step: nothing is missing afterwards, and repeats carry the same ID."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cryptography.fernet import Fernet
from standardwebhooks import Webhook

from calloff.accounts.callback_keys import current_key
from calloff.accounts.secrets import SecretBox
from calloff.db.pool import Pool
from calloff.reports.callbacks import list_callbacks
from calloff.webhooks.schedule import WAITS
from calloff.webhooks.turns import PER_HOST
from tests.support.callbacks import due_again, over
from tests.support.deliverer import STEPS, deliverer
from tests.support.sink import Request, Sink, answer, answer_ok, sink

KEY = Fernet.generate_key().decode()
CALLS = 6


async def finish(pool: Pool, database_url: str, deployment_id: int) -> None:
    """Let the leases of the dead be over, and another process deliver what is left."""
    await due_again(pool)
    async with deliverer(database_url, KEY), asyncio.timeout(30):
        while any(each.delivered_at is None for each in await list_callbacks(pool, deployment_id, limit=CALLS)):
            await asyncio.sleep(0.05)


async def assert_complete(pool: Pool, deployment_id: int, call_ids: list[int], far: Sink) -> Counter[str]:
    """Each result has come, under its own ID and signed; returns how often."""
    webhook = Webhook(await current_key(pool, SecretBox(KEY), deployment_id))
    for request in far.requests:
        webhook.verify(request.body, request.headers)
        assert request.headers["webhook-id"] == f"msg_{json.loads(request.body)['call_id']}"
    times = Counter(request.headers["webhook-id"] for request in far.requests)
    assert set(times) == {f"msg_{call_id}" for call_id in call_ids}
    return times


@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_a_step_nothing_is_missing(pool: Pool, database_url: str, step: str) -> None:
    async with sink() as far:
        deployment_id, call_ids = await over(pool, far.url, calls=CALLS)
        async with deliverer(database_url, KEY, step) as process:
            assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
        before = len(far.requests)
        assert (before == 0) == (step in ("claimed", "signed"))
        marked = [each.call_id for each in await list_callbacks(pool, deployment_id, limit=CALLS) if each.delivered_at]
        assert bool(marked) == (step == "marked")
        await finish(pool, database_url, deployment_id)
        times = await assert_complete(pool, deployment_id, call_ids, far)
    assert all(times[f"msg_{call_id}"] == 1 for call_id in marked), "what was written down is not repeated"


async def test_killed_between_the_request_and_its_answer_nothing_is_missing(pool: Pool, database_url: str) -> None:
    async def hold(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with sink(hold) as far:
        deployment_id, call_ids = await over(pool, far.url, calls=CALLS)
        async with deliverer(database_url, KEY) as process:
            await far.wait(PER_HOST)
            process.kill()
            await process.wait()
        far.behave = answer_ok
        await finish(pool, database_url, deployment_id)
        times = await assert_complete(pool, deployment_id, call_ids, far)
    assert sorted(times.values()) == [1] * (CALLS - PER_HOST) + [2] * PER_HOST


@asynccontextmanager
async def locked_outbox(pool: Pool) -> AsyncIterator[None]:
    """Nobody else can change the outbox meanwhile."""
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("LOCK TABLE callback IN EXCLUSIVE MODE")
        yield


async def wait_for_a_statement_under_way(pool: Pool) -> None:
    """Wait until another process's statement waits for the outbox."""
    async with asyncio.timeout(20), pool.connection() as connection:
        while True:
            cursor = await connection.execute(
                "SELECT FROM pg_locks WHERE relation = 'callback'::regclass AND NOT granted"
            )
            if await cursor.fetchone() is not None:
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("step", ["claiming", "marking"])
async def test_killed_while_the_server_is_at_work_for_it_nothing_is_missing(
    pool: Pool, database_url: str, step: str
) -> None:
    """The server does what a dead process asked of it last, and tells nobody."""
    let_go = asyncio.Event()

    async def hold(request: Request, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        await answer_ok(request, writer)

    async with sink(hold) as far:
        deployment_id, call_ids = await over(pool, far.url, calls=CALLS)
        if step == "claiming":
            async with locked_outbox(pool), deliverer(database_url, KEY) as process:
                await wait_for_a_statement_under_way(pool)
                process.kill()
                await process.wait()
        else:
            async with deliverer(database_url, KEY) as process:
                await far.wait(PER_HOST)
                async with locked_outbox(pool):
                    let_go.set()
                    await wait_for_a_statement_under_way(pool)
                    process.kill()
                    await process.wait()
        let_go.set()
        async with asyncio.timeout(20):
            while not any(each.attempts for each in await list_callbacks(pool, deployment_id, limit=CALLS)):
                await asyncio.sleep(0.02)
        await finish(pool, database_url, deployment_id)
        times = await assert_complete(pool, deployment_id, call_ids, far)
    assert max(times.values()) <= (1 if step == "claiming" else 2)


async def test_a_process_that_dies_uses_up_no_try(pool: Pool, database_url: str) -> None:
    async with sink(answer(b"500 No")) as far:
        deployment_id, _ = await over(pool, far.url)
        for _ in range(2):
            async with deliverer(database_url, KEY, "answered") as process:
                await asyncio.wait_for(process.wait(), 30)
            await due_again(pool)
        async with deliverer(database_url, KEY, "marked") as process:
            await asyncio.wait_for(process.wait(), 30)
        [callback] = await list_callbacks(pool, deployment_id, limit=2)
    assert callback.attempts == 3
    assert callback.last_status == 500
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT failures, extract(epoch FROM next_attempt_at - now())::float8 AS wait FROM callback"
        )
        row = await cursor.fetchone()
    assert row is not None
    assert row["failures"] == 1
    assert 0 < row["wait"] <= 1.1 * WAITS[0], "the wait after the first failure"


async def test_two_processes_share_the_work_and_repeat_nothing(pool: Pool, database_url: str) -> None:
    async with sink() as far, deliverer(database_url, KEY), deliverer(database_url, KEY):
        deployment_id, call_ids = await over(pool, far.url, calls=60)
        await far.wait(60)
        times = await assert_complete(pool, deployment_id, call_ids, far)
    assert set(times.values()) == {1}
