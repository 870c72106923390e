"""Queueing a call: what is stored, for when, and who is told."""

import asyncio
import time
from typing import Any

import psycopg
import pytest

from calloff.calls.cancel import cancel_pending
from calloff.calls.submit import submit
from calloff.domain.calls import NewCall
from calloff.domain.errors import Deleted, InvalidInput
from calloff.domain.phone import Destination
from calloff.domain.schedule import Schedule
from tests.integration.calls.lab import WAIT, Lab, names, only, open_connection


async def test_everything_that_was_asked_for_is_stored(lab: Lab) -> None:
    start = time.time() + 3600
    call_id = await submit(
        lab.pool,
        lab.deployment_id,
        NewCall(
            Destination("+16175551234", ani="8009957586", postd="2,#"),
            Schedule(start=start, end=start + 60, max_attempts=3, reattempt_wait=90),
            result_url="https://example.com/done",
            is_pci=True,
            variables={"name": "Ada"},
        ),
    )
    call = await lab.status(call_id)
    assert (call.status, call.attempts, names(call)) == ("queued", 0, ["queued"])
    assert (call.phone_number, call.ani, call.postd) == ("+16175551234", "8009957586", "2,#")
    assert (call.max_attempts, call.reattempt_wait, call.is_pci) == (3, 90, True)
    assert (call.result_url, call.variables) == ("https://example.com/done", {"name": "Ada"})
    assert call.start_at.timestamp() == pytest.approx(start)
    assert call.end_at is not None
    assert call.end_at.timestamp() == pytest.approx(start + 60)
    stored = await lab.row(call_id)
    assert stored["due_at"] == stored["start_at"]


async def test_a_start_in_the_past_is_now(lab: Lab) -> None:
    stored = await lab.row(await lab.submit(Schedule(start=0)))
    assert stored["start_at"] == stored["due_at"] == stored["queued_at"]


async def test_a_window_that_closed_by_the_clock_of_the_database_is_the_callers_error(lab: Lab) -> None:
    with pytest.raises(InvalidInput, match="end_timestamp"):
        await lab.submit(Schedule(end=time.time() - 1))
    assert await lab.rows("SELECT FROM call") == []
    assert await lab.counted() == {}


async def test_a_call_is_queued_in_the_present_epoch(lab: Lab) -> None:
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    call_id = await lab.submit()
    assert (await lab.row(call_id))["epoch"] == 1
    assert (await lab.status(call_id)).status == "queued"


@pytest.mark.parametrize("table", ["deployment", "application"])
async def test_nothing_is_queued_in_what_was_deleted(lab: Lab, table: str) -> None:
    await lab.do(f"UPDATE {table} SET deleted_at = now()")
    with pytest.raises(Deleted):
        await lab.submit()
    assert await lab.rows("SELECT FROM call") == []


async def test_a_due_call_wakes_the_dialers_and_a_later_one_does_not(lab: Lab) -> None:
    async with open_connection(lab.url) as listener, asyncio.timeout(WAIT):
        await listener.execute("LISTEN calloff_due")
        await lab.submit(Schedule(start=time.time() + 3600))
        await lab.do("NOTIFY calloff_due, 'nobody was woken before'")
        assert [n.payload async for n in listener.notifies(stop_after=1)] == ["nobody was woken before"]
        await lab.submit()
        assert [n.payload async for n in listener.notifies(stop_after=1)] == [""]


GOOD: dict[str, Any] = {"deployment_id": 1, "epoch": 0, "phone_number": "6175551234"}
HELD = {"token": "7b5fd94e-6f0a-4c52-9c0f-3a1f2f7b5c11", "dialer_id": 1, "claimed_at": "2020-01-01"}


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("call_state_check", {"state": "ringing"}),
        ("phone_number_check", {"phone_number": "12345"}),
        ("phone_number_check", {"phone_number": "6175551234\n"}),
        ("phone_number_check", {"ani": "anonymous"}),
        ("call_postd_check", {"postd": "x"}),
        ("closes_after_it_opens", {"start_at": "2020-01-02", "end_at": "2020-01-01"}),
        ("call_max_attempts_check", {"max_attempts": 11, "reattempt_wait": 60}),
        ("call_reattempt_wait_check", {"reattempt_wait": 59}),
        ("attempts_need_a_wait", {"max_attempts": 2}),
        ("call_check", {"attempts": 2}),
        ("active_has_a_claim", {"state": "claimed"}),
        ("active_has_a_claim", {"state": "dialing", **HELD, "token": None}),
        ("active_has_a_claim", {"state": "queued", **HELD, "dialer_id": None}),
        ("active_has_a_claim", {"state": "canceled", "ended_at": "2020-01-01", **HELD}),
        ("over_has_its_time", {"state": "failed", "result": "busy"}),
        ("over_has_its_time", {"ended_at": "2020-01-01"}),
        ("completed_was_connected", {"state": "completed", "result": "answered", "ended_at": "2020-01-01"}),
        ("completed_was_connected", {"state": "connected", **HELD}),
        ("over_has_its_result", {"state": "failed", "ended_at": "2020-01-01"}),
        ("over_has_its_result", {"state": "canceled", "ended_at": "2020-01-01", "result": "busy"}),
    ],
)
async def test_the_table_refuses_a_call_that_cannot_be(lab: Lab, constraint: str, fields: dict[str, Any]) -> None:
    row = GOOD | fields
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        await lab.do(f"INSERT INTO call ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", *row.values())
    assert refused.value.diag.constraint_name == constraint


async def test_the_table_takes_the_call_that_the_refused_ones_are_made_of(lab: Lab) -> None:
    await lab.do(f"INSERT INTO call ({', '.join(GOOD)}) VALUES (%s, %s, %s)", *GOOD.values())
    [row] = await lab.rows("SELECT * FROM call")
    assert only(row, *GOOD) == GOOD
