"""Calling off everything, or one call; the receipts; the settler; pause and resume."""

import asyncio
import time

import psycopg
import pytest

from calloff.calls.cancel import cancel_call, cancel_pending, list_cancellations, pause, resume
from calloff.calls.rescue import rescue
from calloff.calls.settle import withdraw
from calloff.calls.submit import submit
from calloff.domain.calls import NewCall
from calloff.domain.errors import NotFound, NotPending
from calloff.domain.phone import Destination
from calloff.domain.results import Result
from calloff.domain.schedule import Schedule
from calloff.upkeep import settler
from calloff.upkeep.settler import settle_canceled
from tests.integration.calls.lab import RETRIED, WAIT, Lab, names, open_connection
from tests.support.seed import seed


async def cancel(lab: Lab) -> int:
    return await cancel_pending(lab.pool, lab.deployment_id, user_id=lab.user_id, origin="test 192.0.2.1")


async def test_every_pending_call_reads_canceled_at_once(lab: Lab) -> None:
    retried = await lab.dialing(RETRIED)
    await lab.settle(retried, Result.BUSY)
    claimed, waiting = (await lab.claimed()).call_id, await lab.submit()
    later = await lab.submit(Schedule(start=time.time() + 3600))
    pending = [retried.call_id, claimed, waiting, later]
    before = time.time()
    assert await cancel(lab) == 1
    for call_id in pending:
        call = await lab.status(call_id)
        assert (call.status, names(call)[-1]) == ("canceled", "canceled")
        assert call.ended_at is not None
        assert before - 1 < call.ended_at.timestamp() < time.time() + 1
        assert call.events[-1].timestamp == round(call.ended_at.timestamp(), 3)
        assert (await lab.row(call_id))["state"] in ("queued", "claimed")
    assert await lab.claim(limit=10) == []


async def test_what_is_dialing_connected_or_over_goes_to_its_own_end(lab: Lab) -> None:
    connected, over, dialing = await lab.connected(), await lab.dialing(), await lab.dialing()
    await lab.settle(over, Result.BUSY)
    await cancel(lab)
    statuses = [(await lab.status(claim.call_id)).status for claim in (dialing, connected, over)]
    assert statuses == ["dialing", "connected", "failed"]
    assert await lab.settle(dialing, Result.BUSY)
    assert await lab.settle(connected, Result.ANSWERED)
    assert await settle_canceled(lab.pool) == 0


async def test_another_attempt_after_a_cancel_is_called_off(lab: Lab) -> None:
    dialing = await lab.dialing(RETRIED, result_url="https://example.com/done")
    await cancel(lab)
    assert (await lab.status(dialing.call_id)).status == "dialing"
    await lab.settle(dialing, Result.BUSY)
    assert (await lab.status(dialing.call_id)).status == "canceled"
    await lab.make_due(dialing.call_id)
    assert await lab.claim() == []
    assert await settle_canceled(lab.pool) == 1
    assert names(await lab.status(dialing.call_id)) == ["queued", "dialing", "failed", "canceled"]


async def test_what_is_given_back_or_rescued_after_a_cancel_stays_called_off(lab: Lab) -> None:
    withdrawn, rescued = await lab.dialing(), await lab.claimed()
    await cancel(lab)
    assert await withdraw(lab.pool, lab.deployment_id, [withdrawn], wait=0)
    await lab.lapse(lab.dialer_id)
    assert (await rescue(lab.pool)).calls == 1
    for claim in (withdrawn, rescued):
        assert (await lab.status(claim.call_id)).status == "canceled"
    lab.dialer_id = (await Lab.open(lab.url, lab.pool)).dialer_id
    assert await lab.claim(limit=5) == []


async def test_an_empty_queue_can_be_called_off_again_and_again_and_each_leaves_a_receipt(lab: Lab) -> None:
    assert [await cancel(lab), await cancel(lab)] == [1, 2]
    call_id = await lab.submit()
    assert (await lab.status(call_id)).status == "queued"
    assert await cancel(lab) == 3
    assert [x.canceled_calls for x in await list_cancellations(lab.pool, lab.deployment_id, limit=5)] == [1, 0, 0]


async def test_other_deployments_are_untouched(lab: Lab) -> None:
    other = await Lab.open(lab.url, lab.pool)
    call_id = await other.submit()
    await cancel(lab)
    assert (await lab.status(call_id)).status == "queued"
    assert await list_cancellations(lab.pool, other.deployment_id, limit=5) == []


async def test_a_deployment_that_is_not_there_cannot_be_called_off(lab: Lab) -> None:
    with pytest.raises(NotFound):
        await cancel_pending(lab.pool, 999, user_id=None, origin="test")
    assert await lab.rows("SELECT FROM cancellation") == []


async def test_the_receipts_tell_who_when_from_where_and_how_far_the_settler_is(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lab.fill(5)
    held = await lab.claimed()
    await cancel(lab)
    await lab.fill(2)
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="command line")
    newest, oldest = await list_cancellations(lab.pool, lab.deployment_id, limit=5)
    assert (oldest.epoch, oldest.canceled_by, oldest.origin) == (1, lab.email, "test 192.0.2.1")
    assert (newest.epoch, newest.canceled_by, newest.origin) == (2, None, "command line")
    assert abs(oldest.canceled_at.timestamp() - time.time()) < 5
    assert [(x.canceled_calls, x.settled_calls) for x in (oldest, newest)] == [(6, 0), (2, 0)]
    monkeypatch.setattr(settler, "BATCH", 4)
    assert await settle_canceled(lab.pool) == 7
    newest, oldest = await list_cancellations(lab.pool, lab.deployment_id, limit=5)
    assert [(x.canceled_calls, x.settled_calls) for x in (oldest, newest)] == [(6, 5), (2, 2)]
    await withdraw(lab.pool, lab.deployment_id, [held])
    assert await settle_canceled(lab.pool) == 1
    newest, oldest = await list_cancellations(lab.pool, lab.deployment_id, limit=5)
    assert [(x.canceled_calls, x.settled_calls) for x in (oldest, newest)] == [(6, 6), (2, 2)]
    assert [x.epoch for x in await list_cancellations(lab.pool, lab.deployment_id, limit=5, before=2)] == [1]
    assert [x.epoch for x in await list_cancellations(lab.pool, lab.deployment_id, limit=1)] == [2]


async def test_the_settler_writes_down_what_was_already_to_be_read(lab: Lab) -> None:
    held = await lab.claimed()
    call_ids = [await lab.submit(result_url="https://example.com/done"), held.call_id]
    await cancel(lab)
    live = await lab.submit()
    before = [await lab.status(call_id) for call_id in call_ids]
    assert await settle_canceled(lab.pool) == 1
    assert [await lab.status(call_id) for call_id in call_ids] == before
    # What a dialer holds comes after it has given it back, or died.
    await lab.lapse(lab.dialer_id)
    assert (await rescue(lab.pool)).calls == 1
    assert await settle_canceled(lab.pool) == 1
    assert [await lab.status(call_id) for call_id in call_ids] == before
    assert [await lab.state(call_id) for call_id in [*call_ids, live]] == ["canceled", "canceled", "queued"]
    assert [row["call_id"] for row in await lab.rows("SELECT call_id FROM callback")] == [call_ids[0]]
    assert await settle_canceled(lab.pool) == 0
    await lab.assert_counts_are_true()


async def test_the_settler_passes_by_what_another_transaction_holds_and_comes_back(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settler, "BATCH", 2)
    await lab.fill(7)
    await cancel(lab)
    async with open_connection(lab.url) as holder:
        async with holder.transaction():
            await holder.execute("SELECT FROM call WHERE id IN (1, 4) FOR UPDATE")
            assert await asyncio.wait_for(settle_canceled(lab.pool), WAIT) == 5
        assert await settle_canceled(lab.pool) == 2
    await lab.assert_counts_are_true()


async def test_the_counts_do_not_grow_with_the_cancels(lab: Lab) -> None:
    for _ in range(5):
        claim = await lab.dialing()
        await lab.fill(3)
        await cancel(lab)
        await lab.settle(claim, Result.BUSY)
        await settle_canceled(lab.pool)
    await lab.assert_counts_are_true()
    [kept] = await lab.rows("SELECT count(*)::int AS rows FROM call_count WHERE epoch >= 0")
    # The changes after the last sweep wait for the next one.
    assert kept["rows"] <= 2
    await cancel(lab)
    await lab.submit()
    await cancel(lab)
    await settle_canceled(lab.pool)
    assert await lab.rows("SELECT FROM call_count WHERE epoch >= 0") == []
    await lab.assert_counts_are_true()


async def test_one_call_can_be_called_off(lab: Lab) -> None:
    waiting, claimed, other = await lab.claimed(), await lab.claimed(), await lab.submit()
    for claim in (waiting, claimed):
        await cancel_call(lab.pool, lab.deployment_id, claim.call_id)
        call = await lab.status(claim.call_id)
        assert (call.status, names(call)) == ("canceled", ["queued", "canceled"])
        with pytest.raises(NotPending):
            await cancel_call(lab.pool, lab.deployment_id, claim.call_id)
    assert (await lab.status(other)).status == "queued"


async def test_a_call_that_is_started_over_called_off_or_elsewhere_cannot_be_called_off(lab: Lab) -> None:
    dialing, connected, over = await lab.dialing(), await lab.connected(), await lab.dialing()
    await lab.settle(over, Result.BUSY)
    elsewhere = await (await Lab.open(lab.url, lab.pool)).submit()
    waiting = await lab.submit()
    await cancel(lab)
    for call_id in (dialing.call_id, connected.call_id, over.call_id, elsewhere, waiting, 999):
        with pytest.raises(NotPending):
            await cancel_call(lab.pool, lab.deployment_id, call_id)
    assert await lab.state(elsewhere) == "queued"


async def test_a_pause_keeps_its_time_and_a_resume_wakes_the_dialers(lab: Lab) -> None:
    await pause(lab.pool, lab.deployment_id)
    [first] = await lab.rows("SELECT paused_at FROM queue")
    await pause(lab.pool, lab.deployment_id)
    assert await lab.rows("SELECT paused_at FROM queue") == [first]
    assert first["paused_at"] is not None
    async with open_connection(lab.url) as listener, asyncio.timeout(WAIT):
        await listener.execute("LISTEN calloff_due")
        await resume(lab.pool, lab.deployment_id)
        assert [n.payload async for n in listener.notifies(stop_after=1)] == [""]
    assert await lab.rows("SELECT paused_at FROM queue") == [{"paused_at": None}]


async def test_deleting_a_deployment_calls_off_what_waits_there(lab: Lab) -> None:
    call_id = await lab.submit()
    statement = "SELECT delete_deployment(%s, NULL, 'test') AS deleted"
    assert await lab.rows(statement, lab.deployment_id) == [{"deleted": True}]
    assert (await lab.status(call_id)).status == "canceled"
    assert await lab.rows(statement, lab.deployment_id) == [{"deleted": False}]


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
async def test_the_protocol_refuses_a_snapshot_that_is_older_than_its_lock(lab: Lab, isolation: str) -> None:
    claim = await lab.claimed()
    async with open_connection(lab.url) as connection:
        await connection.execute(f"SET default_transaction_isolation = '{isolation}'")
        with pytest.raises(psycopg.errors.InvalidTransactionState):
            await connection.execute("SELECT cancel_pending(%s, NULL, 'test')", (lab.deployment_id,))
        with pytest.raises(psycopg.errors.InvalidTransactionState):
            await connection.execute(
                "SELECT start_calls(%s, %s, %s, ARRAY['{}'::jsonb])",
                (lab.deployment_id, [claim.call_id], [claim.token]),
            )
    assert await lab.state(claim.call_id) == "claimed"


async def test_a_deep_cancel_does_not_hold_up_what_others_called_off(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settler, "BATCH", 2)
    other = (await seed(lab.pool)).deployment_id
    call_id = await submit(lab.pool, other, NewCall(Destination("6175551234")))
    await lab.fill(9)
    await cancel(lab)
    await cancel_pending(lab.pool, other, user_id=None, origin="test")
    assert await settle_canceled(lab.pool) == 10
    # Which transaction has settled each call.
    settled = {row["id"]: int(row["by"]) for row in await lab.rows("SELECT id, xmin::text AS by FROM call")}
    alone = settled.pop(call_id)
    assert min(settled.values()) < alone < sorted(set(settled.values()))[1]
