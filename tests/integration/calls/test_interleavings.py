"""Every interleaving of a cancel with what else moves calls, forced by transactions that are held open.

One side runs in a transaction of the test's and has done its work, uncommitted. The other side is started, and the
server says whether it waits for the queue's lock. Then the first one commits.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from typing import Any

import pytest

from calloff.calls.cancel import cancel_call, cancel_pending, pause
from calloff.calls.claim import claim
from calloff.calls.expire import expire
from calloff.calls.rescue import rescue
from calloff.calls.settle import Ending, settle, withdraw
from calloff.calls.submit import submit
from calloff.db.pool import Connection, Pool
from calloff.domain.calls import NewCall
from calloff.domain.errors import NotPending
from calloff.domain.phone import Destination
from calloff.domain.results import Result
from calloff.upkeep.dialers import register, renew
from calloff.upkeep.settler import settle_canceled
from tests.integration.calls.lab import (
    RETRIED,
    WAIT,
    Lab,
    as_pool,
    change_function,
    open_connection,
    start,
    until_waiting,
)

NEW = NewCall(Destination("+16175551234"))


class Two:
    """Two connections: `first` holds its transaction open until `commit`, `second` comes while it does."""

    def __init__(self, lab: Lab, first: Connection, second: Connection) -> None:
        self.lab = lab
        self.first = as_pool(first)
        self.second = as_pool(second)
        self.first_connection, self.second_connection = first, second

    async def commit(self) -> None:
        await self.first_connection.execute("COMMIT")

    async def second_waits(self, work: Coroutine[Any, Any, Any], lock: str = "advisory") -> "asyncio.Task[Any]":
        """Begin `work` on `second`, and return once the server says that it waits for a lock of that type."""
        task = asyncio.create_task(work)
        await until_waiting(self.lab, self.second_connection, lock, task)
        return task


@pytest.fixture
async def two(lab: Lab) -> AsyncIterator[Two]:
    async with open_connection(lab.url) as first, open_connection(lab.url) as second:
        await first.execute("BEGIN")
        yield Two(lab, first, second)


async def soon(work: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(work, WAIT)


async def cancel(lab: Lab, pool: Pool) -> int:
    return await cancel_pending(pool, lab.deployment_id, user_id=None, origin="test")


# Start


async def test_a_start_that_comes_during_a_cancel_waits_and_starts_nothing(lab: Lab, two: Two) -> None:
    claimed = await lab.claimed()
    await cancel(lab, two.first)
    starting = await two.second_waits(start(two.second, lab.deployment_id, [claimed]))
    await two.commit()
    assert await soon(starting) == set()
    assert (await lab.status(claimed.call_id)).status == "canceled"


async def test_a_cancel_that_comes_during_a_start_waits_and_leaves_the_call_alone(lab: Lab, two: Two) -> None:
    claimed, waiting = await lab.claimed(), await lab.submit()
    assert await start(two.first, lab.deployment_id, [claimed]) == {claimed.call_id}
    canceling = await two.second_waits(cancel(lab, two.second))
    await two.commit()
    await soon(canceling)
    assert [(await lab.status(call)).status for call in (claimed.call_id, waiting)] == ["dialing", "canceled"]


async def test_a_start_that_was_cut_off_before_its_commit_leaves_the_call_to_the_cancel(lab: Lab, two: Two) -> None:
    claimed = await lab.claimed()
    await start(two.first, lab.deployment_id, [claimed])
    canceling = await two.second_waits(cancel(lab, two.second))
    await two.first_connection.execute("ROLLBACK")
    await soon(canceling)
    assert (await lab.status(claimed.call_id)).status == "canceled"


async def test_starts_of_other_deployments_do_not_wait(lab: Lab, two: Two) -> None:
    other = await Lab.open(lab.url, lab.pool)
    claimed = await other.claimed()
    await cancel(lab, two.first)
    assert await soon(start(two.second, other.deployment_id, [claimed])) == {claimed.call_id}


async def test_starts_do_not_wait_for_each_other(lab: Lab, two: Two) -> None:
    one, other = await lab.claimed(), await lab.claimed()
    await start(two.first, lab.deployment_id, [one])
    assert await soon(start(two.second, lab.deployment_id, [other])) == {other.call_id}


async def test_a_cancel_that_waits_is_not_overtaken_by_starts_that_come_later(lab: Lab, two: Two) -> None:
    one, other = await lab.claimed(), await lab.claimed()
    await start(two.first, lab.deployment_id, [one])
    canceling = await two.second_waits(cancel(lab, two.second))
    async with open_connection(lab.url) as third:
        starting = asyncio.create_task(start(as_pool(third), lab.deployment_id, [other]))
        await until_waiting(lab, third, "advisory", starting)
        await two.commit()
        await soon(canceling)
        assert await soon(starting) == set()


# Claim


async def test_a_claim_that_comes_during_a_cancel_waits_and_gets_nothing(lab: Lab, two: Two) -> None:
    call_id = await lab.submit()
    await cancel(lab, two.first)
    claiming = await two.second_waits(claim(two.second, lab.deployment_id, dialer_id=lab.dialer_id, limit=5))
    await two.commit()
    assert (await soon(claiming))[0] == []
    assert await lab.state(call_id) == "queued"


async def test_a_cancel_that_comes_during_a_claim_calls_off_what_was_claimed(lab: Lab, two: Two) -> None:
    call_id = await lab.submit()
    [call], _ = await claim(two.first, lab.deployment_id, dialer_id=lab.dialer_id, limit=5)
    canceling = await two.second_waits(cancel(lab, two.second))
    await two.commit()
    await soon(canceling)
    assert (await lab.status(call_id)).status == "canceled"
    assert await start(lab.pool, lab.deployment_id, [call.claim]) == set()


@pytest.mark.parametrize("limited", ["deployment", "trunk"])
@pytest.mark.parametrize("limit", ["max_concurrent_calls = 1", "calls_per_second = 0.1"])
async def test_where_there_are_limits_a_claim_waits_for_the_one_before(
    lab: Lab, two: Two, limited: str, limit: str
) -> None:
    await lab.do(f"UPDATE {limited} SET {limit}")
    await lab.fill(2)
    calls, _ = await claim(two.first, lab.deployment_id, dialer_id=lab.dialer_id, limit=5)
    assert len(calls) == 1
    claiming = await two.second_waits(
        claim(two.second, lab.deployment_id, dialer_id=lab.dialer_id, limit=5), lock="transactionid"
    )
    await two.commit()
    assert (await soon(claiming))[0] == []


# Submit


async def test_a_submit_during_a_cancel_is_called_off_with_the_rest(lab: Lab, two: Two) -> None:
    await cancel(lab, two.first)
    call_id = await soon(submit(two.second, lab.deployment_id, NEW))
    assert (await lab.status(call_id)).status == "queued"
    await two.commit()
    assert (await lab.status(call_id)).status == "canceled"
    assert await lab.claim() == []


async def test_a_submit_that_commits_after_a_cancel_but_began_before_it_is_called_off(lab: Lab, two: Two) -> None:
    call_id = await submit(two.first, lab.deployment_id, NEW)
    await soon(cancel(lab, two.second))
    await two.commit()
    assert (await lab.status(call_id)).status == "canceled"
    assert await settle_canceled(lab.pool) == 1


async def test_a_submit_after_a_cancel_is_untouched_even_while_the_next_one_waits(lab: Lab, two: Two) -> None:
    await cancel(lab, lab.pool)
    call_id = await lab.submit()
    [call] = await lab.claim()
    await start(two.first, lab.deployment_id, [call.claim])
    canceling = await two.second_waits(cancel(lab, two.second))
    another = await lab.submit()
    assert (await lab.status(another)).status == "queued"
    await two.commit()
    await soon(canceling)
    assert [(await lab.status(each)).status for each in (call_id, another)] == ["dialing", "canceled"]


# The end of an attempt that is followed by another


async def test_another_attempt_that_is_queued_during_a_cancel_is_called_off(lab: Lab, two: Two) -> None:
    dialing = await lab.dialing(RETRIED)
    await cancel(lab, two.first)
    assert await soon(settle(two.second, lab.deployment_id, [Ending(dialing, Result.BUSY, ago=0)]))
    assert (await lab.status(dialing.call_id)).status == "queued"
    await two.commit()
    assert (await lab.status(dialing.call_id)).status == "canceled"


async def test_a_cancel_during_the_end_of_an_attempt_calls_the_next_one_off(lab: Lab, two: Two) -> None:
    dialing = await lab.dialing(RETRIED)
    await settle(two.first, lab.deployment_id, [Ending(dialing, Result.BUSY, ago=0)])
    await soon(cancel(lab, two.second))
    assert (await lab.status(dialing.call_id)).status == "dialing"
    await two.commit()
    assert (await lab.status(dialing.call_id)).status == "canceled"
    await lab.make_due(dialing.call_id)
    assert await lab.claim() == []


# Windows that close


async def closed(lab: Lab) -> int:
    call_id = await lab.submit()
    await lab.do("UPDATE call SET start_at = now() - interval '1 h', end_at = now() - interval '1 s'")
    return call_id


async def test_an_expiry_that_comes_during_a_cancel_waits_and_leaves_the_call_to_it(lab: Lab, two: Two) -> None:
    call_id = await closed(lab)
    await cancel(lab, two.first)
    expiring = await two.second_waits(expire(two.second))
    await two.commit()
    assert await soon(expiring) == 0
    assert (await lab.status(call_id)).status == "canceled"


async def test_a_cancel_that_comes_during_an_expiry_finds_the_call_over(lab: Lab, two: Two) -> None:
    call_id = await closed(lab)
    assert await expire(two.first) == 1
    canceling = await two.second_waits(cancel(lab, two.second))
    await two.commit()
    await soon(canceling)
    assert (await lab.status(call_id)).result == "expired"
    assert await settle_canceled(lab.pool) == 0


# Dialers that die


@pytest.mark.parametrize("state", ["claimed", "dialing"])
async def test_a_rescue_during_a_cancel_brings_nothing_back(lab: Lab, two: Two, state: str) -> None:
    await lab.do("UPDATE deployment SET on_unknown = 'retry'")
    held = await (lab.claimed if state == "claimed" else lab.dialing)(RETRIED)
    await lab.lapse(lab.dialer_id)
    await cancel(lab, two.first)
    assert (await soon(rescue(two.second))).calls == 1
    await two.commit()
    assert await lab.state(held.call_id) == "queued"
    assert (await lab.status(held.call_id)).status == "canceled"


@pytest.mark.parametrize("state", ["claimed", "dialing"])
async def test_a_cancel_during_a_rescue_calls_off_what_comes_back(lab: Lab, two: Two, state: str) -> None:
    await lab.do("UPDATE deployment SET on_unknown = 'retry'")
    held = await (lab.claimed if state == "claimed" else lab.dialing)(RETRIED)
    await lab.lapse(lab.dialer_id)
    assert (await rescue(two.first)).calls == 1
    await soon(cancel(lab, two.second))
    await two.commit()
    assert (await lab.status(held.call_id)).status == "canceled"


async def test_a_rescue_waits_for_a_claim_and_takes_what_it_got(lab: Lab, two: Two) -> None:
    call_id = await lab.submit()
    await claim(two.first, lab.deployment_id, dialer_id=lab.dialer_id, limit=1)
    await lab.lapse(lab.dialer_id)
    rescuing = await two.second_waits(rescue(two.second), lock="transactionid")
    await two.commit()
    assert (await soon(rescuing)).calls == 1
    assert await lab.state(call_id) == "queued"


async def test_a_claim_during_the_rescue_of_its_dialer_gets_nothing_and_holds_up_no_cancel(lab: Lab, two: Two) -> None:
    await lab.submit()
    await lab.lapse(lab.dialer_id)
    await rescue(two.first)
    claiming = claim(two.second, lab.deployment_id, dialer_id=lab.dialer_id, limit=1)
    assert (await soon(claiming))[0] == []
    await soon(cancel(lab, two.second))


async def test_a_renewal_during_a_rescue_finds_the_calls_taken_away(lab: Lab, two: Two) -> None:
    await lab.claimed()
    await lab.lapse(lab.dialer_id)
    await rescue(two.first)
    renewing = await two.second_waits(renew(two.second, lab.dialer_id), lock="transactionid")
    await two.commit()
    assert await soon(renewing) is False


async def test_a_rescue_leaves_a_call_alone_that_changed_hands_before_it_was_locked(own_lab: Lab) -> None:
    """Its query has begun with a call in the hands of a dead dialer, and comes to lock it when it has a new one."""
    lab = own_lab
    joined = "JOIN deployment AS d ON d.id = c.deployment_id"
    await change_function(lab, "rescue_calls", joined, f"{joined} AND pg_advisory_xact_lock_shared(4711) IS NOT NULL")
    held = await lab.claimed()
    dead, lab.dialer_id = lab.dialer_id, await register(lab.pool, name="two", ports=5)
    await lab.lapse(dead)
    async with open_connection(lab.url) as gate, open_connection(lab.url) as rescuer:
        await gate.execute("SELECT pg_advisory_lock(4711)")
        rescuing = asyncio.create_task(rescue(as_pool(rescuer)))
        await until_waiting(lab, rescuer, "advisory", rescuing)
        assert await withdraw(lab.pool, lab.deployment_id, [held], wait=0)
        [again] = await lab.claim()
        assert await start(lab.pool, lab.deployment_id, [again.claim]) == {held.call_id}
        await gate.execute("SELECT pg_advisory_unlock(4711)")
        assert (await soon(rescuing)).calls == 0
    assert await lab.settle(again.claim, Result.BUSY)


# One call


async def test_a_start_that_comes_during_the_cancel_of_its_call_waits_for_it(lab: Lab, two: Two) -> None:
    claimed = await lab.claimed()
    await cancel_call(two.first, lab.deployment_id, claimed.call_id)
    starting = await two.second_waits(start(two.second, lab.deployment_id, [claimed]), lock="transactionid")
    await two.commit()
    assert await soon(starting) == set()
    assert await lab.state(claimed.call_id) == "canceled"


async def test_the_cancel_of_a_call_that_is_being_started_waits_and_is_too_late(lab: Lab, two: Two) -> None:
    claimed = await lab.claimed()
    await start(two.first, lab.deployment_id, [claimed])
    canceling = await two.second_waits(
        cancel_call(two.second, lab.deployment_id, claimed.call_id), lock="transactionid"
    )
    await two.commit()
    with pytest.raises(NotPending):
        await soon(canceling)
    assert await lab.state(claimed.call_id) == "dialing"


async def test_a_claim_passes_by_the_call_that_is_being_canceled(lab: Lab, two: Two) -> None:
    one, other = await lab.submit(), await lab.submit()
    await cancel_call(two.first, lab.deployment_id, one)
    [call], _ = await soon(claim(two.second, lab.deployment_id, dialer_id=lab.dialer_id, limit=5))
    assert call.claim.call_id == other


async def test_a_cancel_that_comes_during_the_cancel_of_a_call_counts_it_as_over(lab: Lab, two: Two) -> None:
    one, other = await lab.submit(), await lab.submit()
    await cancel_call(two.first, lab.deployment_id, one)
    canceling = await two.second_waits(cancel(lab, two.second))
    await two.commit()
    await soon(canceling)
    assert await settle_canceled(lab.pool) == 1
    assert [await lab.state(call) for call in (one, other)] == ["canceled", "canceled"]


async def test_the_cancel_of_a_call_during_a_cancel_waits_and_finds_it_called_off(lab: Lab, two: Two) -> None:
    call_id = await lab.submit()
    await cancel(lab, two.first)
    canceling = await two.second_waits(cancel_call(two.second, lab.deployment_id, call_id))
    await two.commit()
    with pytest.raises(NotPending):
        await soon(canceling)
    assert (await lab.status(call_id)).status == "canceled"


# Pause


async def test_a_start_that_comes_during_a_pause_waits_and_starts_nothing(lab: Lab, two: Two) -> None:
    claimed = await lab.claimed()
    await pause(two.first, lab.deployment_id)
    starting = await two.second_waits(start(two.second, lab.deployment_id, [claimed]))
    await two.commit()
    assert await soon(starting) == set()
    assert await lab.state(claimed.call_id) == "queued"


async def test_a_claim_that_comes_during_a_pause_waits_and_gets_nothing(lab: Lab, two: Two) -> None:
    await lab.submit()
    await pause(two.first, lab.deployment_id)
    claiming = await two.second_waits(claim(two.second, lab.deployment_id, dialer_id=lab.dialer_id, limit=5))
    await two.commit()
    assert (await soon(claiming))[0] == []


async def test_a_pause_that_comes_during_a_start_has_waited_for_it_when_it_returns(lab: Lab, two: Two) -> None:
    claimed = await lab.claimed()
    await start(two.first, lab.deployment_id, [claimed])
    pausing = await two.second_waits(pause(two.second, lab.deployment_id))
    await two.commit()
    await soon(pausing)
    assert await lab.state(claimed.call_id) == "dialing"


async def test_a_pause_and_a_cancel_follow_each_other(lab: Lab, two: Two) -> None:
    await pause(two.first, lab.deployment_id)
    canceling = await two.second_waits(cancel(lab, two.second))
    await two.commit()
    assert await soon(canceling) == 1
