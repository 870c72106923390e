"""What others do while a list comes in: call everything off, or send more lists than there are places for."""

import asyncio
from collections.abc import AsyncIterator

import httpx

from calloff.calls.claim import claim
from calloff.db.pool import Pool
from calloff.lists.upload_slots import MAX_OF_ONE_ACCOUNT, MAX_UPLOADS
from calloff.upkeep.dialers import register
from calloff.upkeep.settler import settle_canceled
from tests.integration.lists.conftest import Caller, anybody
from tests.support.api_process import api_process

_LIST = b"destination\n6175551234\n6175551235\n"


def _held(caller: Caller, let_go: asyncio.Event) -> "asyncio.Task[httpx.Response]":
    """A list of two calls on its way, whose end is sent once the event is set."""

    async def body() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="csv"; filename="l.csv"\r\n\r\n' + _LIST
        await let_go.wait()
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    return asyncio.create_task(caller.client.post(caller.path, content=body(), headers=headers))


async def _until_uploads(pool: Pool, uploads: int) -> None:
    """Wait until that many lists are on their way: each has a temporary table."""
    async with asyncio.timeout(20), pool.connection() as connection:
        while True:
            cursor = await connection.execute(
                "SELECT count(*) AS uploads FROM pg_class WHERE relname = 'upload' AND relpersistence = 't'"
            )
            if await cursor.fetchone() == {"uploads": uploads}:
                return
            await asyncio.sleep(0.02)


async def _read(caller: Caller, path: str) -> httpx.Response:
    return await caller.client.get(caller.path.replace("bulk_queue", path))


async def test_a_cancel_calls_off_the_list_that_is_coming_in(caller: Caller, pool: Pool) -> None:
    let_go = asyncio.Event()
    coming = _held(caller, let_go)
    await _until_uploads(pool, 1)
    canceled = await caller.client.delete(caller.path.replace("bulk_queue", "cancel"))
    assert canceled.status_code == 202
    let_go.set()
    answer = await coming
    assert (answer.status_code, answer.json()["queued"]) == (200, 2)
    later = (await caller.upload(_LIST)).json()

    calls = {call["call_id"]: call["status"] for call in (await _read(caller, "calls")).json()["calls"]}
    assert calls == {
        **dict.fromkeys(answer.json()["call_ids"], "canceled"),
        **dict.fromkeys(later["call_ids"], "queued"),
    }
    dialer_id = await register(pool, name="one", ports=10)
    claimed, _ = await claim(pool, caller.seed.deployment_id, dialer_id=dialer_id, limit=10)
    assert [str(call.claim.call_id) for call in claimed] == later["call_ids"]
    assert await settle_canceled(pool) == 2
    [receipt] = (await _read(caller, "cancellations")).json()["cancellations"]
    assert (receipt["canceled_calls"], receipt["settled_calls"]) == (2, 2)


async def test_a_list_for_which_there_is_no_place_is_refused_and_others_go_on(pool: Pool, database_url: str) -> None:
    with api_process(database_url, WAIT_SECONDS=1) as impatient:
        async with (
            anybody(impatient, pool) as first,
            anybody(impatient, pool) as second,
            anybody(impatient, pool) as third,
        ):
            let_go = asyncio.Event()
            coming = [_held(first, let_go) for _ in range(MAX_OF_ONE_ACCOUNT)]
            await _until_uploads(pool, MAX_OF_ONE_ACCOUNT)
            refused = [await first.upload(_LIST)]
            coming += [_held(second, let_go) for _ in range(MAX_UPLOADS - MAX_OF_ONE_ACCOUNT)]
            await _until_uploads(pool, MAX_UPLOADS)
            refused += [await second.upload(_LIST), await third.upload(_LIST)]
            for answer in refused:
                assert answer.status_code == 503
                assert answer.json() == {
                    "error": "Too many lists are being uploaded. Try again in a moment.",
                    "code": "busy",
                }
            assert (await _read(third, "calls")).json()["calls"] == [], "all else is answered"
            let_go.set()
            assert {answer.status_code for answer in await asyncio.gather(*coming)} == {200}
            assert [(await each.upload(_LIST)).status_code for each in (first, second, third)] == [200] * 3
            queued = [len((await _read(each, "calls")).json()["calls"]) for each in (first, second, third)]
            assert queued == [2 * (MAX_OF_ONE_ACCOUNT + 1), 2 * (MAX_UPLOADS - MAX_OF_ONE_ACCOUNT + 1), 2]
