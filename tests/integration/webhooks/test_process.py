"""`calloff webhooks`, the process itself, killed between taking callbacks and writing down what became of them."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from standardwebhooks import Webhook

from calloff.accounts.callback_keys import current_key
from calloff.accounts.secrets import SecretBox
from calloff.db.pool import Pool
from calloff.reports.callbacks import list_callbacks
from calloff.webhooks.turns import PER_HOST
from tests.support.callbacks import due_again, over
from tests.support.serving import command, environment
from tests.support.sink import Request, answer_ok, sink

CALLS = 10


@asynccontextmanager
async def _webhooks(database_url: str, data_dir: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    settings = {"database_url": database_url, "data_dir": str(data_dir), "allow_networks": "127.0.0.0/8"}
    process = await asyncio.create_subprocess_exec(*command("webhooks"), env=environment(**settings))
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_killed_with_callbacks_on_their_way_it_loses_none(pool: Pool, database_url: str, tmp_path: Path) -> None:
    async def hold(_request: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with sink() as far:
        deployment_id, call_ids = await over(pool, far.url, calls=CALLS)
        for _ in range(2):
            came = len(far.requests)
            far.behave = hold
            async with _webhooks(database_url, tmp_path) as process:
                await far.wait(came + PER_HOST)
                process.kill()
            await due_again(pool)  # the leases are over
        far.behave = answer_ok
        async with _webhooks(database_url, tmp_path) as process:
            async with asyncio.timeout(30):
                while any(each.delivered_at is None for each in await list_callbacks(pool, deployment_id, limit=CALLS)):
                    await asyncio.sleep(0.05)
            process.terminate()
            assert await asyncio.wait_for(process.wait(), 30) == 0
    webhook = Webhook(await current_key(pool, SecretBox.open(tmp_path, None), deployment_id))
    for request in far.requests:
        webhook.verify(request.body, request.headers)
        assert request.headers["webhook-id"] == f"msg_{json.loads(request.body)['call_id']}"
    times = Counter(request.headers["webhook-id"] for request in far.requests)
    assert set(times) == {f"msg_{call_id}" for call_id in call_ids}, "nothing is missing"
    assert times.total() == CALLS + 2 * PER_HOST, "what was on its way came again, and nothing else"
