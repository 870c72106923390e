"""Handing due calls to dialers: order, limits, pace, and who may have them."""

import asyncio
import time
from itertools import pairwise

import pytest

from calloff.calls.cancel import cancel_pending, pause, resume
from calloff.calls.claim import HORIZON, claim, due_queues
from calloff.calls.rescue import rescue
from calloff.db.pool import Pool
from calloff.domain.schedule import Schedule
from calloff.upkeep.dialers import register, renew, retire
from tests.integration.calls.lab import Lab, open_connection


async def test_due_calls_come_oldest_first_with_what_dialing_needs(lab: Lab) -> None:
    first, second, third = [await lab.submit() for _ in range(3)]
    await lab.do("UPDATE call SET due_at = due_at - interval '1 minute' WHERE id = %s", second)
    await lab.do("UPDATE call SET ani = '8009957586', postd = '2', variables = '{\"a\": \"b\"}' WHERE id = %s", second)
    calls = await lab.claim(limit=2)
    assert [call.claim.call_id for call in calls] == [second, first]
    assert (calls[0].phone_number, calls[0].caller_id, calls[0].postd) == ("+16175551234", "8009957586", "2")
    assert (calls[0].variables, calls[0].attempt, calls[0].delay, calls[0].ring_timeout) == ({"a": "b"}, 1, 0, 60)
    for call in calls:
        row = await lab.row(call.claim.call_id)
        assert (row["state"], row["token"], row["dialer_id"]) == ("claimed", call.claim.token, lab.dialer_id)
        assert (await lab.status(call.claim.call_id)).status == "queued"
    assert await lab.state(third) == "queued"
    # A token of each claim, not of each call: with the ID of the call, it names the one that this dialer holds.
    assert {call.claim.token for call in calls}.isdisjoint(call.claim.token for call in await lab.claim(limit=2))


async def test_what_is_not_due_closed_called_off_or_taken_is_not_handed_out(lab: Lab) -> None:
    await lab.submit()
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    await lab.submit(Schedule(start=time.time() + 3600))
    closed = await lab.submit(Schedule(end=time.time() + 3600))
    await lab.do(
        "UPDATE call SET start_at = now() - interval '2 s', end_at = now() - interval '1 s' WHERE id = %s", closed
    )
    await lab.claimed()
    assert await lab.claim(limit=10) == []


async def test_a_paused_or_deleted_deployment_hands_out_nothing(lab: Lab) -> None:
    await lab.submit()
    await pause(lab.pool, lab.deployment_id)
    assert await lab.claim() == []
    assert await due_queues(lab.pool) == []
    await resume(lab.pool, lab.deployment_id)
    assert [queue.deployment_id for queue in await due_queues(lab.pool)] == [lab.deployment_id]
    await lab.do("UPDATE deployment SET deleted_at = now()")
    assert await lab.claim() == []
    assert await due_queues(lab.pool) == []


@pytest.mark.parametrize("change", ["application SET deleted_at", "account SET deactivated_at"])
async def test_nothing_is_due_in_an_application_that_was_deleted_or_an_account_that_is_inactive(
    lab: Lab, change: str
) -> None:
    await lab.submit()
    assert await due_queues(lab.pool) != []
    await lab.do(f"UPDATE {change} = now()")
    assert await due_queues(lab.pool) == []


async def test_due_tells_when_the_first_call_is_due(lab: Lab) -> None:
    assert await due_queues(lab.pool) == []
    await lab.submit(Schedule(start=time.time() + 3600))
    [later] = await due_queues(lab.pool)
    assert 3590 < later.due_in <= 3600
    await lab.submit()
    [now] = await due_queues(lab.pool)
    assert now.due_in <= 0
    await lab.claim()
    [later] = await due_queues(lab.pool)
    assert later.due_in > 3500


async def test_a_dialer_without_a_lease_gets_nothing(lab: Lab) -> None:
    await lab.submit()
    await lab.lapse(lab.dialer_id)
    assert await lab.claim() == []
    assert await renew(lab.pool, lab.dialer_id)
    assert len(await lab.claim()) == 1
    await lab.submit()
    await retire(lab.pool, lab.dialer_id)
    assert await lab.claim() == []
    await rescue(lab.pool)
    assert not await renew(lab.pool, lab.dialer_id)
    assert await lab.claim() == []
    lab.dialer_id = await register(lab.pool, name="one again", ports=1)
    assert len(await lab.claim(limit=5)) == 2


async def test_no_more_calls_are_held_at_once_than_the_deployment_allows(database_url: str, pool: Pool) -> None:
    lab = await Lab.open(database_url, pool, max_concurrent_calls=2)
    for _ in range(4):
        await lab.submit()
    first, second = await lab.claim(limit=10)
    calls, wait = await claim(pool, lab.deployment_id, dialer_id=lab.dialer_id, limit=10)
    assert calls == []
    assert wait is not None
    await lab.do("UPDATE call SET state = 'queued', token = NULL, dialer_id = NULL WHERE id = %s", first.claim.call_id)
    assert len(await lab.claim(limit=10)) == 1
    assert second.claim.call_id not in [call.claim.call_id for call in await lab.claim(limit=10)]


async def test_the_limits_of_a_trunk_hold_across_its_deployments(database_url: str, pool: Pool) -> None:
    one, two = await Lab.open(database_url, pool), await Lab.open(database_url, pool)
    await one.do("UPDATE trunk SET max_concurrent_calls = 3")
    for lab in (one, one, two, two, two):
        await lab.submit()
    assert len(await one.claim(limit=10)) == 2
    assert len(await two.claim(limit=10)) == 1
    assert await two.claim(limit=10) == []


async def test_limits_hold_when_many_claim_at_once(database_url: str, pool: Pool) -> None:
    lab = await Lab.open(database_url, pool, max_concurrent_calls=5)
    await lab.fill(50)
    claims = await asyncio.gather(*(lab.claim(limit=2) for _ in range(30)))
    assert sum(map(len, claims)) == 5


async def test_no_call_is_handed_out_twice(lab: Lab) -> None:
    await lab.fill(60)
    claims = await asyncio.gather(*(lab.claim(limit=5) for _ in range(20)))
    handed_out = [call.claim.call_id for calls in claims for call in calls]
    assert len(handed_out) == len(set(handed_out)) == 60


async def test_each_call_has_its_slot_in_the_pace(database_url: str, pool: Pool) -> None:
    lab = await Lab.open(database_url, pool, calls_per_second=20)
    await lab.fill(20)
    calls, wait = await claim(pool, lab.deployment_id, dialer_id=lab.dialer_id, limit=20)
    assert [call.delay for call in calls] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2], abs=0.001)
    assert wait == pytest.approx(0.05, abs=0.001)
    again, _ = await claim(pool, lab.deployment_id, dialer_id=lab.dialer_id, limit=20)
    assert all(HORIZON - 0.1 < call.delay <= HORIZON + 0.001 for call in again)


async def test_the_pace_holds_when_many_claim_at_once(database_url: str, pool: Pool) -> None:
    lab = await Lab.open(database_url, pool, calls_per_second=50)
    await lab.do("UPDATE trunk SET calls_per_second = 40")
    await lab.fill(100)
    slots: list[float] = []

    async def dialer() -> None:
        while len(slots) < 30:
            calls, wait = await claim(pool, lab.deployment_id, dialer_id=lab.dialer_id, limit=3)
            claimed_at = [(await lab.row(call.claim.call_id))["claimed_at"].timestamp() for call in calls]
            slots.extend(at + call.delay for at, call in zip(claimed_at, calls, strict=True))
            await asyncio.sleep(wait or 0)

    await asyncio.gather(*(dialer() for _ in range(4)))
    slots.sort()
    assert min(after - before for before, after in pairwise(slots)) > 0.025 - 0.001


@pytest.mark.parametrize("calls_per_second", [0.001, 10000])
async def test_the_slowest_and_the_fastest_pace_work(database_url: str, pool: Pool, calls_per_second: float) -> None:
    lab = await Lab.open(database_url, pool, calls_per_second=calls_per_second)
    await lab.fill(10)
    calls, wait = await claim(pool, lab.deployment_id, dialer_id=lab.dialer_id, limit=5)
    assert len(calls) == (5 if calls_per_second > 1 else 1)
    assert (wait is None) == (calls_per_second > 1)


async def test_only_a_claim_is_not_waited_for(lab: Lab) -> None:
    await lab.submit()
    wait = "SELECT current_setting('synchronous_commit') AS wait"
    async with open_connection(lab.url) as connection:
        async with connection.transaction():
            await connection.execute("SELECT claim_calls(%s, %s, 1, 0)", (lab.deployment_id, lab.dialer_id))
            assert await (await connection.execute(wait)).fetchone() == {"wait": "off"}
            await connection.execute("SELECT start_calls(%s, '{}', '{}', '{}')", (lab.deployment_id,))
            assert await (await connection.execute(wait)).fetchone() == {"wait": "on"}
        await connection.execute("SELECT claim_calls(%s, %s, 1, 0)", (lab.deployment_id, lab.dialer_id))
        assert await (await connection.execute(wait)).fetchone() == {"wait": "on"}
