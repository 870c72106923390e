"""Callbacks to one host that answers at once, beside the same posts without a database."""

import asyncio
import subprocess
import sys
import time

import uvloop
from cryptography.fernet import Fernet

from bench.report import Figure
from bench.stage import FULL, Stage, stage
from calloff.accounts.secrets import SecretBox
from calloff.db.embedded import EmbeddedServer
from calloff.db.pool import open_pool
from calloff.outbound.client import Client
from calloff.outbound.guard import Guard
from calloff.webhooks.deliver import Sender
from calloff.webhooks.post import post
from calloff.webhooks.turns import PER_PROMPT_HOST
from calloff.webhooks.worker import Worker
from tests.support.callbacks import LOOPBACK, add_waiting
from tests.support.sink import sink

_CALLBACKS = 20_000 if FULL else 3_000


async def measure_callbacks(running: EmbeddedServer) -> list[Figure]:
    """One process that delivers."""
    with subprocess.Popen([sys.executable, "-m", "bench.callbacks", "host"], stdout=subprocess.PIPE) as host:
        assert host.stdout is not None
        url = host.stdout.readline().decode().strip()
        async with stage(running) as staged:
            await add_waiting(staged.pool, staged.seed.deployment_id, url.split("/")[2], _CALLBACKS)
            with subprocess.Popen([sys.executable, "-m", "bench.callbacks", "worker", staged.url]) as worker:
                delivered = await _delivered(staged)
                worker.kill()
        posts = float(await asyncio.to_thread(subprocess.check_output, [sys.executable, "-m", "bench.callbacks", url]))
        host.kill()
    return [
        Figure(
            "callbacks to one host that answers at once",
            f"{delivered:,.0f} callbacks/s",
            f"the same posts, nothing kept {posts:,.0f}/s",
            delivered / posts,
            "",
        )
    ]


async def _delivered(staged: Stage) -> float:
    """Callbacks a second, from the first one that was delivered to the last."""
    while True:
        async with staged.pool.connection() as connection:
            cursor = await connection.execute("SELECT count(*) AS waiting FROM callback WHERE delivered_at IS NULL")
            row = await cursor.fetchone()
            if row is not None and row["waiting"] == 0:
                break
        await asyncio.sleep(0.2)
    async with staged.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT extract(epoch FROM max(delivered_at) - min(delivered_at))::float AS seconds FROM callback"
        )
        row = await cursor.fetchone()
    assert row is not None
    return _CALLBACKS / float(row["seconds"])


async def _host() -> None:
    async with sink() as taking:
        print(taking.url, flush=True)
        await asyncio.Event().wait()


async def _work(url: str) -> None:
    pool = await open_pool(url, min_size=1, max_size=10)
    box = SecretBox(Fernet.generate_key().decode())
    await Worker(pool, Sender(pool, box, Client(Guard(LOOPBACK)))).run(asyncio.Event())


async def _post(url: str) -> None:
    client = Client(Guard(LOOPBACK))
    left = iter(range(_CALLBACKS))

    async def one() -> None:
        for _ in left:
            await post(client, url, {"content-type": "application/json"}, "{}")

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(PER_PROMPT_HOST)))
    print(_CALLBACKS / (time.perf_counter() - started))
    await client.close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["host"]:
            asyncio.run(_host())
        case ["worker", database_url]:
            uvloop.run(_work(database_url))
        case [address]:
            uvloop.run(_post(address))
