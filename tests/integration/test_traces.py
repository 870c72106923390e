"""Traces are written beside the calls: what the database does not take holds nothing up."""

import asyncio

import pytest

from calloff.db.background import end_tasks
from calloff.db.pool import Pool
from calloff.reports import traces
from calloff.reports.traces import AttemptTrace, TraceWriter, find_traces

TRACE = AttemptTrace(1, b"packed", {"lost": 2, "round_trip": None})


async def _written(pool: Pool, call_id: int) -> list[AttemptTrace]:
    async with asyncio.timeout(20):
        while not (found := await find_traces(pool, call_id)):
            await asyncio.sleep(0.02)
    return found


async def test_what_is_put_is_found_and_a_second_time_changes_nothing(pool: Pool) -> None:
    writer = TraceWriter(pool)
    running = asyncio.create_task(writer.run())
    for call_id in range(1, 501):
        writer.put(call_id, TRACE)
    assert await _written(pool, 500) == [TRACE]
    writer.put(1, AttemptTrace(1, b"another", None))
    writer.put(1, AttemptTrace(2, b"second", None))
    writer.put(501, TRACE)
    await _written(pool, 501)
    assert await find_traces(pool, 1) == [TRACE, AttemptTrace(2, b"second", None)]
    await end_tasks(running)


async def test_what_is_too_much_is_dropped_and_said(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(traces, "MOST_WAITING", 3)
    writer = TraceWriter(pool)
    for call_id in range(1, 6):
        writer.put(call_id, TRACE)
    await writer.flush()
    assert [bool(await find_traces(pool, call_id)) for call_id in range(1, 6)] == [True] * 3 + [False] * 2
    assert "2 traces of calls were dropped" in caplog.text


async def test_a_database_that_fails_is_survived(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(traces, "_PAUSE", 0.05)
    writer = TraceWriter(pool)
    running = asyncio.create_task(writer.run())
    async with pool.connection() as connection:
        await connection.execute("ALTER TABLE call_trace RENAME TO away")
    writer.put(1, TRACE)
    async with asyncio.timeout(20):
        while "not written" not in caplog.text:
            await asyncio.sleep(0.02)
    async with pool.connection() as connection:
        await connection.execute("ALTER TABLE away RENAME TO call_trace")
    writer.put(2, TRACE)
    assert await _written(pool, 2) == [TRACE]
    await end_tasks(running)
