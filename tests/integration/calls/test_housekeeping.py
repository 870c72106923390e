"""One of the dialers keeps the house: whoever holds the lock, for as long as it is connected."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from calloff.calls.cancel import cancel_pending
from calloff.db.pool import open_pool
from calloff.upkeep import housekeeping
from calloff.upkeep.dialers import register
from calloff.upkeep.housekeeping import keep_house
from tests.integration.calls.lab import WAIT, Lab


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "_PERIOD", 0.02)


@asynccontextmanager
async def housekeeper(lab: Lab) -> AsyncIterator["asyncio.Task[None]"]:
    """One that runs beside the test, with connections of its own."""
    pool = await open_pool(lab.url, min_size=1, max_size=4)
    task = asyncio.create_task(keep_house(pool))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])
        await pool.close()


async def leaders(lab: Lab) -> list[int]:
    """The server's processes that hold the lock of the housekeeping, out of one observation."""
    rows = await lab.rows(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND (classid::bigint << 32) + objid::bigint = %s",
        housekeeping._LOCK,
    )
    return [row["pid"] for row in rows]


async def a_leader_other_than(lab: Lab, pid: int | None) -> int:
    async with asyncio.timeout(WAIT):
        while True:
            found = await leaders(lab)
            assert len(found) <= 1
            if found and found[0] != pid:
                return found[0]


async def until_gone(lab: Lab, condition: str) -> None:
    """Until no call is left of which the condition is true."""
    async with asyncio.timeout(WAIT):
        while await lab.rows(f"SELECT FROM call WHERE {condition}"):
            pass


async def close_one(lab: Lab) -> int:
    """A new call whose window has closed, which the next round will end."""
    call_id = await lab.submit()
    await lab.do(
        "UPDATE call SET start_at = now() - interval '1 h', end_at = now() - interval '1 s' WHERE id = %s", call_id
    )
    return call_id


async def a_whole_round(lab: Lab) -> None:
    """Until two rounds have ended a call each, so that everything that the first one does lies between."""
    for _ in range(2):
        await until_gone(lab, f"id = {await close_one(lab)} AND state = 'queued'")


async def test_the_house_is_kept(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "LEASE", 0.05)
    await lab.fill(3)
    lost = await lab.claimed()
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    await lab.lapse(lab.dialer_id)
    async with housekeeper(lab):
        await until_gone(lab, "state <> 'canceled'")
        await a_whole_round(lab)
        async with asyncio.timeout(WAIT):
            while await lab.rows("SELECT FROM dialer"):
                pass
    assert (await lab.status(lost.call_id)).status == "canceled"


async def test_one_at_a_time_and_the_next_when_the_first_is_disconnected(lab: Lab) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(housekeeper(lab))
        first = await a_leader_other_than(lab, None)
        await lab.do("SELECT pg_terminate_backend(%s)", first)
        second = await a_leader_other_than(lab, first)
        assert second != first
        await a_whole_round(lab)
    async with asyncio.timeout(WAIT):
        while await leaders(lab):
            pass


async def test_it_stops_when_it_is_told_to_although_its_connection_was_cut(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "_PERIOD", 3600)
    call_id = await close_one(lab)
    async with housekeeper(lab) as task:
        await until_gone(lab, f"id = {call_id} AND state = 'queued'")
        [leader] = await leaders(lab)
        assert await lab.rows("SELECT pg_terminate_backend(%s, 5000) AS gone", leader) == [{"gone": True}]
        task.cancel()
        await asyncio.wait([task], timeout=WAIT)
        assert task.cancelled()


async def test_dialers_that_are_well_may_renew_first_after_the_server_was_frozen(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = 1.0
    monkeypatch.setattr(housekeeping, "LEASE", lease)
    gone = await register(lab.pool, name="two", ports=1)
    await lab.lapse(gone)
    claimed = await lab.claimed()
    async with housekeeper(lab):
        async with asyncio.timeout(WAIT):
            while await lab.rows("SELECT FROM dialer WHERE id = %s", gone):
                pass
        [leader] = await leaders(lab)
        os.kill(leader, signal.SIGSTOP)
        try:
            await lab.lapse(lab.dialer_id)
            await asyncio.sleep(lease * 0.7)
        finally:
            os.kill(leader, signal.SIGCONT)
        awake_at = time.monotonic()
        await a_whole_round(lab)
        state = await lab.state(claimed.call_id)
        # On a machine that was too slow to look in time, there is nothing to be seen.
        assert state == "claimed" or time.monotonic() - awake_at > lease
        await until_gone(lab, "state = 'claimed'")


_FROZEN = """
import asyncio, sys
from calloff.db.pool import open_pool
from calloff.upkeep import housekeeping

housekeeping._PERIOD, housekeeping._SILENCE = 0.02, 1.0

async def main():
    await housekeeping.keep_house(await open_pool(sys.argv[1], min_size=1, max_size=4))

asyncio.run(main())
"""


async def test_a_leader_that_is_frozen_but_connected_is_relieved(lab: Lab) -> None:
    """As it is for a machine that vanished: the server keeps its connection for hours."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _FROZEN, lab.url)
    try:
        frozen = await a_leader_other_than(lab, None)
        process.send_signal(signal.SIGSTOP)
        await lab.submit()
        await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
        async with housekeeper(lab):
            await until_gone(lab, "ended_at IS NULL")
            assert await leaders(lab) != [frozen]
            process.send_signal(signal.SIGCONT)
            await lab.submit()
            await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
            await until_gone(lab, "ended_at IS NULL")
            assert process.returncode is None, "it waits for its next turn"
    finally:
        process.kill()
        await process.wait()
