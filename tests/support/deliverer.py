"""A process that delivers results, for tests that kill it: `python -m tests.support.deliverer ADDRESS KEY [STEP]`.

Kills itself with SIGKILL the first time it comes to STEP: `claimed` (taken out of the outbox), `signed` (nothing sent
yet), `answered` (nothing written down yet) or `marked`. Without a STEP it goes on until its input ends. Says `ready`
once it runs.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx

from calloff.accounts.secrets import SecretBox
from calloff.db.pool import open_pool
from calloff.outbound.client import Client
from calloff.outbound.guard import Guard
from calloff.webhooks.deliver import Sender
from calloff.webhooks.outbox import DueCallback
from calloff.webhooks.post import Answer
from calloff.webhooks.worker import Worker
from tests.support.callbacks import LOOPBACK

ROOT = Path(__file__).parents[2]
STEPS = ("claimed", "signed", "answered", "marked")


@asynccontextmanager
async def deliverer(url: str, key: str, step: str | None = None) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run this module; the process is ended with the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.deliverer", url, key, *([step] if step else [])),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.stdin.close()
        with suppress(ProcessLookupError):
            await process.wait()


def _die_at(step: str) -> None:
    if sys.argv[3:] == [step]:
        os.kill(os.getpid(), signal.SIGKILL)


class _Mortal(Worker):
    """A worker that dies at a step."""

    async def _answer(self, callback: DueCallback) -> Answer:
        _die_at("claimed")
        return await super()._answer(callback)

    async def _mark(self, callback: DueCallback, answer: Answer) -> None:
        _die_at("answered")
        await super()._mark(callback, answer)
        _die_at("marked")


class _MortalGuard(Guard):
    """A guard that dies when it is asked, before anything is sent."""

    async def addresses(self, url: httpx.URL) -> list[str]:
        _die_at("signed")
        return await super().addresses(url)


async def _main(url: str, key: str) -> None:
    pool = await open_pool(url, min_size=1, max_size=8)
    client, stop = Client(_MortalGuard(LOOPBACK)), asyncio.Event()
    running = asyncio.create_task(_Mortal(pool, Sender(pool, SecretBox(key), client)).run(stop))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    stop.set()
    await running
    await client.close()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
