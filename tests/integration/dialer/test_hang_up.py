"""A cancel that hangs up ends what rings and what talks, in its deployment and nowhere else."""

import asyncio
from pathlib import Path

import pytest

from calloff.calls.cancel import cancel_pending
from calloff.calls.rescue import LEASE
from calloff.db.pool import Pool
from calloff.domain.calls import CallStatus
from calloff.domain.schedule import Schedule
from calloff.upkeep.settler import settle_canceled
from tests.integration.dialer.test_loop import queue_call, wait_call
from tests.support.dialing import TappedTrunk, dialing
from tests.support.seed import seed

SLOW = 0.01
"""On such a trunk a far end rings for 100 seconds, and then talks for 200."""
RINGS, TALKS = "6175551234", "6175551235"


def is_ringing(call: CallStatus) -> bool:
    return call.events[-1].name == "dialing"


@pytest.mark.parametrize("attempts", [1, 2])
async def test_what_rings_is_canceled_and_its_neighbours_ring_on(
    pool: Pool, database_url: str, tmp_path: Path, attempts: int
) -> None:
    stopped, other = await seed(pool), await seed(pool)
    trunk = TappedTrunk(speed=SLOW)
    schedule = Schedule(max_attempts=attempts, reattempt_wait=60 if attempts > 1 else None)
    async with dialing(pool, database_url, trunk, tmp_path, drain_timeout=0):
        calls = [
            await queue_call(pool, stopped.deployment_id, f"61755512{number:02}", schedule) for number in range(20)
        ]
        neighbour = await queue_call(pool, other.deployment_id, RINGS)
        await trunk.wait_dialed(21)
        for call_id in (*calls, neighbour):
            await wait_call(pool, call_id, is_ringing)
        await cancel_pending(pool, stopped.deployment_id, user_id=None, origin="test", hangs_up=True)
        later = await queue_call(pool, stopped.deployment_id, RINGS)
        for call_id in calls:
            canceled = await wait_call(pool, call_id, lambda call: call.status == "canceled")
            assert canceled.attempts == 1
        await trunk.wait_dialed(22)
        assert is_ringing(await wait_call(pool, neighbour, lambda _: True))
        assert (await wait_call(pool, later, is_ringing)).status == "dialing"
        assert trunk.legs == 2
        await settle_canceled(pool)
        call = await wait_call(pool, calls[0], lambda call: call.events[-1].name == "canceled")
        assert [event.name for event in call.events] == ["queued", "dialing", "failed", "canceled"]


async def test_what_talks_is_ended_and_stays_answered(pool: Pool, database_url: str, tmp_path: Path) -> None:
    made = await seed(pool)
    trunk = TappedTrunk(speed=0.1)
    async with dialing(pool, database_url, trunk, tmp_path, drain_timeout=0):
        call_id = await queue_call(pool, made.deployment_id, TALKS)
        await wait_call(pool, call_id, lambda call: call.status == "connected")
        await cancel_pending(pool, made.deployment_id, user_id=None, origin="test", hangs_up=True)
        call = await wait_call(pool, call_id, lambda call: call.status == "completed")
    assert (call.result, [event.name for event in call.events][-1]) == ("answered", "disconnected")


async def test_a_cancel_that_does_not_hang_up_ends_nothing(pool: Pool, database_url: str, tmp_path: Path) -> None:
    made = await seed(pool)
    trunk = TappedTrunk(speed=SLOW)
    async with dialing(pool, database_url, trunk, tmp_path, drain_timeout=0):
        call_id = await queue_call(pool, made.deployment_id, RINGS)
        await wait_call(pool, call_id, is_ringing)
        await cancel_pending(pool, made.deployment_id, user_id=None, origin="test")
        await asyncio.sleep(LEASE / 3 + 1)  # By then the dialer has looked by itself, too.
        assert is_ringing(await wait_call(pool, call_id, lambda _: True))
        assert trunk.legs == 1


async def test_a_dialer_that_did_not_hear_of_it_finds_out(pool: Pool, database_url: str, tmp_path: Path) -> None:
    """A NOTIFY is lost with the connection that listens for it."""
    made = await seed(pool)
    trunk = TappedTrunk(speed=SLOW)
    async with dialing(pool, database_url, trunk, tmp_path, drain_timeout=0):
        call_id = await queue_call(pool, made.deployment_id, RINGS)
        await wait_call(pool, call_id, is_ringing)
        await cancel_pending(pool, made.deployment_id, user_id=None, origin="test")
        async with pool.connection() as connection:
            await connection.execute("UPDATE cancellation SET hangs_up = true")
        await wait_call(pool, call_id, lambda call: call.status == "canceled")
