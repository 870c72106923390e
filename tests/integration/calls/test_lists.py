"""Lists: a lane of a deployment's queue each, which one commit calls off and another one holds."""

import asyncio
from collections.abc import Sequence

import psycopg
import pytest

from calloff.calls.cancel import cancel_call, cancel_pending, list_cancellations, pause
from calloff.calls.expire import expire
from calloff.db.statements import load
from calloff.domain.call_lists import CallList
from calloff.domain.errors import NotPending
from calloff.domain.phone import Destination
from calloff.domain.results import Result
from calloff.domain.schedule import Schedule
from calloff.lists.bulk import SharedFields, StagedRow, Upload
from calloff.lists.csv_rows import CsvRows
from calloff.lists.registry import cancel_list, find_list, find_lists, pause_list
from calloff.reports.list_results import calls_of_list, results_csv
from calloff.upkeep.settler import settle_canceled
from tests.integration.calls.lab import (
    ONCE,
    RETRIED,
    Lab,
    as_pool,
    change_function,
    open_connection,
    start,
    until_waiting,
)

ORIGIN = "test 192.0.2.1"


async def upload(
    lab: Lab, calls: int = 3, *, schedule: Schedule = ONCE, name: str | None = None, meanwhile: bool = False
) -> CallList:
    """A list of that many calls; `meanwhile`, the deployment is called off while it streams in."""
    async with Upload.open(lab.url, lab.deployment_id, None) as opened:
        rows = [
            StagedRow(n + 2, Destination(f"+1617555{n:04}", None, None), {"name": f"Person {n}", "city": "Köln"})
            for n in range(calls)
        ]
        await opened.stage(rows)
        if meanwhile:
            await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
        shared = SharedFields(schedule, None, False, {}, name)
        totals = await opened.queue(shared, b"", user_id=lab.user_id, origin=ORIGIN)
    assert totals.list_id is not None
    return await again(lab, totals.list_id)


async def again(lab: Lab, of: CallList | int) -> CallList:
    found = await find_list(lab.pool, of if isinstance(of, int) else of.list_id)
    assert found is not None
    return found


async def off(lab: Lab, of: CallList) -> CallList:
    await cancel_list(lab.pool, of, user_id=lab.user_id, origin=ORIGIN)
    return await again(lab, of)


async def ids(lab: Lab, of: CallList) -> list[int]:
    return [call.call_id async for page in calls_of_list(lab.pool, of) for call in page]


async def statuses(lab: Lab, call_ids: Sequence[int]) -> set[str]:
    return {(await lab.status(call_id)).status for call_id in call_ids}


async def test_a_list_is_called_off_and_its_neighbours_are_not_touched(lab: Lab) -> None:
    wrong, right, single = await upload(lab), await upload(lab, 2), await lab.submit()
    own, others = await ids(lab, wrong), await ids(lab, right)
    called_off = await off(lab, wrong)
    assert (called_off.state, called_off.waiting, called_off.results) == ("canceled", 0, {"canceled": 3})
    assert called_off.cancellation is not None
    assert (called_off.cancellation.canceled_by, called_off.cancellation.origin) == (lab.email, ORIGIN)
    assert called_off.cancellation.is_own
    assert await statuses(lab, own) == {"canceled"}
    assert await statuses(lab, [*others, single]) == {"queued"}
    assert sorted(call.claim.call_id for call in await lab.claim(limit=10)) == sorted([*others, single])
    assert await list_cancellations(lab.pool, lab.deployment_id, limit=5) == []


async def test_what_was_claimed_of_it_cannot_start_any_more(lab: Lab) -> None:
    wrong, single = await upload(lab), await lab.submit()
    claims = [call.claim for call in await lab.claim(limit=10)]
    assert len(claims) == 4
    await off(lab, wrong)
    assert await start(lab.pool, lab.deployment_id, claims) == {single}
    assert await statuses(lab, await ids(lab, wrong)) == {"canceled"}


async def test_a_cancel_of_the_deployment_calls_off_its_lists_too(lab: Lab) -> None:
    one, other, single = await upload(lab), await upload(lab), await lab.submit()
    claims = [call.claim for call in await lab.claim(limit=1)]
    await off(lab, other)
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    assert await start(lab.pool, lab.deployment_id, claims) == set()
    assert await lab.claim(limit=10) == []
    assert await statuses(lab, [*await ids(lab, one), *await ids(lab, other), single]) == {"canceled"}
    [receipt] = await list_cancellations(lab.pool, lab.deployment_id, limit=5)
    assert receipt.canceled_calls == 4
    first, second = await again(lab, one), await again(lab, other)
    assert first.cancellation is not None
    assert second.cancellation is not None
    assert (first.cancellation.is_own, second.cancellation.is_own) == (False, True)
    assert await settle_canceled(lab.pool) == 7
    [receipt] = await list_cancellations(lab.pool, lab.deployment_id, limit=5)
    assert (receipt.canceled_calls, receipt.settled_calls) == (4, 4)
    assert (await again(lab, one)).results == first.results == {"canceled": 3}
    # What has called it off first stays what has, whoever comes after it.
    assert (await off(lab, one)).cancellation == first.cancellation
    assert (await off(lab, other)).cancellation == second.cancellation


async def test_a_cancel_while_it_streams_in_calls_it_off(lab: Lab) -> None:
    late = await upload(lab, meanwhile=True)
    assert late.state == "canceled"
    assert await lab.claim(limit=10) == []
    new = await upload(lab)
    assert new.state == "running"
    assert len(await lab.claim(limit=10)) == 3


async def test_a_start_that_was_first_is_waited_for_and_stays(lab: Lab) -> None:
    wrong = await upload(lab)
    [first, second, _] = [call.claim for call in await lab.claim(limit=3)]
    async with open_connection(lab.url) as starting, open_connection(lab.url) as canceling:
        async with starting.transaction():
            assert await start(as_pool(starting), lab.deployment_id, [first]) == {first.call_id}
            canceled = asyncio.create_task(cancel_list(as_pool(canceling), wrong, user_id=lab.user_id, origin=ORIGIN))
            await until_waiting(lab, canceling, "advisory", canceled)
        await canceled
    assert await start(lab.pool, lab.deployment_id, [second]) == set()
    found = await again(lab, wrong)
    assert (found.in_progress, found.results) == (1, {"canceled": 2})


async def test_a_start_that_came_second_sees_the_cancel(lab: Lab) -> None:
    wrong = await upload(lab)
    claims = [call.claim for call in await lab.claim(limit=3)]
    async with open_connection(lab.url) as starting, open_connection(lab.url) as canceling:
        async with canceling.transaction():
            await cancel_list(as_pool(canceling), wrong, user_id=lab.user_id, origin=ORIGIN)
            started = asyncio.create_task(start(as_pool(starting), lab.deployment_id, claims))
            await until_waiting(lab, starting, "advisory", started)
        assert await started == set()


async def test_without_its_lock_a_cancel_would_lose_the_race(lab: Lab) -> None:
    """The mutant of the two tests above: it answers while a start of the list is under way."""
    await change_function(lab, "cancel_list", "PERFORM pg_advisory_xact_lock(queue_lock_key(p_deployment_id));", "")
    wrong = await upload(lab)
    [first, *_] = [call.claim for call in await lab.claim(limit=3)]
    async with open_connection(lab.url) as starting:
        async with starting.transaction():
            assert await start(as_pool(starting), lab.deployment_id, [first]) == {first.call_id}
            await off(lab, wrong)
        assert (await lab.status(first.call_id)).status == "dialing"


async def test_another_attempt_after_the_cancel_is_called_off(lab: Lab) -> None:
    wrong = await upload(lab, 1, schedule=RETRIED)
    [call] = await lab.claim()
    assert await start(lab.pool, lab.deployment_id, [call.claim]) == {call.claim.call_id}
    await off(lab, wrong)
    await lab.settle(call.claim, Result.BUSY)
    await lab.make_due(call.claim.call_id)
    assert await lab.claim() == []
    assert (await again(lab, wrong)).results == {"canceled": 1}


async def test_the_settler_writes_it_down_and_leaves_the_neighbours(lab: Lab) -> None:
    wrong, right = await upload(lab), await upload(lab, 2)
    called_off = await off(lab, wrong)
    assert await settle_canceled(lab.pool) == 3
    assert {(await lab.row(call_id))["state"] for call_id in await ids(lab, wrong)} == {"canceled"}
    assert {(await lab.row(call_id))["state"] for call_id in await ids(lab, right)} == {"queued"}
    ended = await again(lab, wrong)
    assert ended.ended_at is not None
    assert (ended.state, ended.results, ended.cancellation) == ("canceled", called_off.results, called_off.cancellation)
    assert (await again(lab, right)).ended_at is None
    await lab.assert_counts_are_true()


async def test_a_list_is_done_when_all_its_calls_are_over(lab: Lab) -> None:
    made = await upload(lab, 2, name="Friday")
    assert (made.name, made.accepted, made.rejected, made.waiting, made.queued_by) == ("Friday", 2, 0, 2, lab.email)
    claims = [call.claim for call in await lab.claim(limit=2)]
    await start(lab.pool, lab.deployment_id, claims)
    await lab.settle(claims[0], Result.BUSY)
    await settle_canceled(lab.pool)
    half = await again(lab, made)
    assert (half.state, half.in_progress, half.results, half.ended_at) == ("running", 1, {"busy": 1}, None)
    await lab.assert_counts_are_true()
    await lab.settle(claims[1], Result.NO_ANSWER)
    await settle_canceled(lab.pool)
    done = await again(lab, made)
    assert (done.state, done.in_progress, done.results) == ("done", 0, {"busy": 1, "no_answer": 1})
    await lab.assert_counts_are_true()
    # It was over: neither of these has called anything of it off.
    assert (await off(lab, made)).state == "done"
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    assert (await again(lab, made)).state == "done"


async def test_a_paused_list_waits_and_the_others_go_on(lab: Lab) -> None:
    held, other = await upload(lab), await upload(lab, 1)
    claims = [call.claim for call in await lab.claim(limit=1)]
    await pause_list(lab.pool, held, paused=True)
    assert await start(lab.pool, lab.deployment_id, claims) == set()
    assert [call.claim.call_id for call in await lab.claim(limit=10)] == await ids(lab, other)
    assert (await again(lab, held)).state == "paused"
    await pause_list(lab.pool, held, paused=False)
    assert (await again(lab, held)).state == "running"
    assert len(await lab.claim(limit=10)) == 3


async def test_a_paused_deployment_holds_its_lists(lab: Lab) -> None:
    made = await upload(lab)
    await pause(lab.pool, lab.deployment_id)
    assert (await again(lab, made)).state == "paused"
    assert await lab.claim(limit=10) == []


async def test_a_paused_list_can_be_called_off(lab: Lab) -> None:
    made = await upload(lab)
    await pause_list(lab.pool, made, paused=True)
    assert (await off(lab, made)).state == "canceled"
    await pause_list(lab.pool, made, paused=False)
    assert await lab.claim(limit=10) == []


async def test_one_call_of_a_list_can_be_called_off_while_it_is_live(lab: Lab) -> None:
    made = await upload(lab)
    [first, second, _] = await ids(lab, made)
    await cancel_call(lab.pool, lab.deployment_id, first)
    found = await again(lab, made)
    assert (found.state, found.waiting, found.results) == ("running", 2, {"canceled": 1})
    await off(lab, made)
    with pytest.raises(NotPending):
        await cancel_call(lab.pool, lab.deployment_id, second)


async def test_windows_of_lists_close(lab: Lab) -> None:
    made = await upload(lab)
    await lab.do("UPDATE call SET start_at = '2020-01-01', end_at = '2020-01-02'")
    assert await lab.claim(limit=10) == []
    assert await expire(lab.pool) == 3
    assert (await again(lab, made)).results == {"expired": 3}


async def test_who_is_due_first_is_claimed_first_whatever_list_it_is_of(lab: Lab) -> None:
    one, other, single = await upload(lab, 1), await upload(lab, 1), await lab.submit()
    [[first], [second]] = await ids(lab, other), await ids(lab, one)
    for year, call_id in enumerate((first, single, second), start=2001):
        await lab.do("UPDATE call SET due_at = make_date(%s, 1, 1) WHERE id = %s", year, call_id)
    assert [call.claim.call_id for call in [*await lab.claim(), *await lab.claim(), *await lab.claim()]] == [
        first,
        single,
        second,
    ]


async def test_a_claim_fills_up_from_one_list_after_the_other(lab: Lab) -> None:
    for _ in range(3):
        await upload(lab, 2)
    assert len(await lab.claim(limit=5)) == 5
    assert len(await lab.claim(limit=5)) == 1


async def test_lists_are_found_newest_first(lab: Lab) -> None:
    one, other = await upload(lab), await upload(lab)
    assert await find_lists(lab.pool, limit=5, deployment_id=lab.deployment_id) == [other, one]
    assert await find_lists(lab.pool, limit=5, before=other.list_id, deployment_id=lab.deployment_id) == [one]
    stranger = await Lab.open(lab.url, lab.pool)
    assert await find_lists(lab.pool, limit=5, deployment_id=stranger.deployment_id) == []


async def test_the_results_are_in_the_order_of_the_lines_with_the_callers_columns(lab: Lab) -> None:
    made = await upload(lab, 2)
    await upload(lab, 1)
    claims = [call.claim for call in await lab.claim(limit=1)]
    await start(lab.pool, lab.deployment_id, claims)
    await lab.settle(claims[0], Result.BUSY, sip_code=486)
    text = "".join([piece async for piece in results_csv(made.columns, calls_of_list(lab.pool, made))])
    head, first, second, end = text.split("\r\n")
    assert head.startswith("destination,name,city,call_id,status,result,")
    assert first.startswith(f"'+16175550000,Person 0,Köln,{claims[0].call_id},failed,busy,,486,1,")
    assert second.startswith("'+16175550001,Person 1,Köln,")
    assert end == ""
    rows = CsvRows()
    again_read = [*rows.feed(text.encode()), *rows.finish()]
    assert [row.destination.phone_number for row in again_read if isinstance(row, StagedRow)] == [
        "+16175550000",
        "+16175550001",
    ]


async def test_a_list_that_is_not_there_cannot_be_called_off(lab: Lab) -> None:
    made = await upload(lab)
    async with lab.pool.connection() as connection:
        cursor = await connection.execute(
            load("calloff.lists", "cancel_list"),
            {"deployment_id": lab.deployment_id, "list_id": made.list_id + 1, "user_id": None, "origin": "test"},
        )
        assert await cursor.fetchall() == [{"value": None}]
    assert await lab.rows("SELECT FROM cancellation") == []


async def test_the_database_keeps_what_a_list_is(lab: Lab) -> None:
    made = await upload(lab)
    with pytest.raises(psycopg.errors.GeneratedAlways):
        await lab.do("UPDATE list SET epoch = 1 WHERE id = %s", made.list_id)
