"""Calls that are over, and what delivers their results."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any

from cryptography.fernet import Fernet

from calloff.accounts.secrets import SecretBox
from calloff.calls.cancel import cancel_pending
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import Destination
from calloff.outbound.client import Client
from calloff.outbound.guard import Guard
from calloff.reports.callbacks import Callback, list_callbacks
from calloff.upkeep.settler import settle_canceled
from calloff.webhooks.deliver import Sender
from calloff.webhooks.worker import Worker
from tests.support.seed import seed

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
BOX = SecretBox(Fernet.generate_key().decode())


@asynccontextmanager
async def delivering(pool: Pool, guard: Guard | None = None, box: SecretBox = BOX) -> AsyncIterator[asyncio.Event]:
    """A worker that runs; set the event to tell it to stop. Leaving waits until it has."""
    client, stop = Client(guard or Guard(LOOPBACK)), asyncio.Event()
    running = asyncio.create_task(Worker(pool, Sender(pool, box, client)).run(stop))
    try:
        yield stop
    finally:
        stop.set()
        await running
        await client.close()


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
        await connection.execute("UPDATE callback SET next_attempt_at = now(), deliveries = '[]'")


async def add_waiting(pool: Pool, deployment_id: int, host: str, callbacks: int) -> None:
    """So many more results of calls of the deployment that are due for `host` now."""
    async with pool.connection() as connection:
        await connection.execute(
            "WITH made AS (INSERT INTO call (deployment_id, epoch, phone_number, state, ended_at, result_url)"
            " SELECT %(deployment_id)s, 0, '6175551234', 'canceled', now(), 'http://' || %(host)s || '/done'"
            " FROM generate_series(1, %(callbacks)s) RETURNING id)"
            "INSERT INTO callback (call_id, deployment_id, host) SELECT id, %(deployment_id)s, %(host)s FROM made",
            {"deployment_id": deployment_id, "host": host, "callbacks": callbacks},
        )
