"""Looking at calls: one, or pages of a list, whatever the settler has come to."""

from itertools import combinations

import pytest

from calloff.calls.cancel import cancel_call, cancel_pending
from calloff.domain.calls import STATUSES
from calloff.domain.results import Result
from calloff.reports.read import find_call, list_calls
from calloff.upkeep.settler import settle_canceled
from tests.integration.calls.lab import Lab


async def one_of_each(lab: Lab) -> dict[int, str]:
    """Calls of every state and status, among them called-off ones of two cancels, settled and not; by status."""
    calls: dict[int, str] = {}
    for settle in (True, False):
        calls |= {await lab.submit(): "canceled", (await lab.claimed()).call_id: "canceled"}
        calls[(await lab.dialing()).call_id] = "dialing"
        await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
        if settle:
            await settle_canceled(lab.pool)
    calls[await lab.submit()] = "canceled"
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    calls[(await lab.claimed()).call_id] = "queued"
    calls[(await lab.dialing()).call_id] = "dialing"
    calls[(await lab.connected()).call_id] = "connected"
    completed, failed, canceled = await lab.connected(), await lab.dialing(), await lab.claimed()
    await lab.settle(completed, Result.ANSWERED)
    await lab.settle(failed, Result.BUSY)
    await cancel_call(lab.pool, lab.deployment_id, canceled.call_id)
    calls |= {completed.call_id: "completed", failed.call_id: "failed", canceled.call_id: "canceled"}
    calls[await lab.submit()] = "queued"
    return calls


async def test_each_call_is_found_with_its_status(lab: Lab) -> None:
    calls = await one_of_each(lab)
    assert {call_id: (await lab.status(call_id)).status for call_id in calls} == calls
    assert await find_call(lab.pool, 10**15) is None


async def test_every_choice_of_statuses_lists_those_and_no_others(lab: Lab) -> None:
    calls = await one_of_each(lab)
    await (await Lab.open(lab.url, lab.pool)).submit()
    for size in range(len(STATUSES) + 1):
        for statuses in combinations(STATUSES, size):
            listed = await list_calls(lab.pool, lab.deployment_id, limit=100, statuses=statuses)
            expected = sorted((call_id for call_id, status in calls.items() if status in statuses), reverse=True)
            assert [call.call_id for call in listed] == expected
            assert {call.call_id: call.status for call in listed}.items() <= calls.items()


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_follow_each_other_without_gap_or_overlap(lab: Lab, limit: int) -> None:
    calls = await one_of_each(lab)
    seen: list[int] = []
    before = None
    while page := await list_calls(lab.pool, lab.deployment_id, limit=limit, before=before):
        assert len(page) <= limit
        seen += [call.call_id for call in page]
        before = seen[-1]
    assert seen == sorted(calls, reverse=True)
