"""What is old is removed, what is not stays; and what an export says."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from calloff.db.pool import Pool
from calloff.domain.csv_cells import unescape_cell
from calloff.reports import export
from calloff.reports.export import Selection, export_calls
from calloff.upkeep import retention
from calloff.upkeep.housekeeping import keep_house
from calloff.upkeep.measure import measure
from calloff.upkeep.retention import remove_old_calls
from tests.support.seed import seed

_CALLS = """
    INSERT INTO call (deployment_id, epoch, phone_number, queued_at, due_at, state, ended_at, result, result_url,
                      variables, is_pci)
    SELECT %(deployment_id)s, 0, '+1617555' || (1000 + n), now() - make_interval(days => age), now(),
           CASE WHEN over THEN 'failed' ELSE 'queued' END,
           CASE WHEN over THEN now() - make_interval(days => age) END,
           CASE WHEN over THEN 'busy' END, 'http://example.com/', %(variables)s, %(is_pci)s
    FROM generate_series(1, %(calls)s) AS n, (VALUES (%(age)s, %(over)s)) AS kind (age, over)
"""


async def _insert(
    pool: Pool, deployment_id: int, calls: int, *, age: int, over: bool, variables: str = "{}", is_pci: bool = False
) -> None:
    async with pool.connection() as connection:
        await connection.execute(
            _CALLS,
            {
                "deployment_id": deployment_id,
                "calls": calls,
                "age": age,
                "over": over,
                "variables": variables,
                "is_pci": is_pci,
            },
        )
        await connection.execute(
            "INSERT INTO callback (call_id, deployment_id, host, delivered_at) "
            "SELECT id, deployment_id, 'example.com', ended_at FROM call "
            "WHERE ended_at IS NOT NULL ON CONFLICT DO NOTHING"
        )
        await connection.execute(
            "INSERT INTO call_trace (call_id, attempt, messages) "
            "SELECT id, 1, '' FROM call WHERE ended_at IS NOT NULL ON CONFLICT DO NOTHING"
        )


async def _one(pool: Pool, query: str) -> int:
    async with pool.connection() as connection:
        row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return int(row["value"])


async def test_only_what_ended_long_ago_is_removed(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 40)
    deployment_id = (await seed(pool)).deployment_id
    await _insert(pool, deployment_id, 100, age=100, over=True)
    await _insert(pool, deployment_id, 50, age=100, over=False)
    await _insert(pool, deployment_id, 100, age=95, over=True)
    await _insert(pool, deployment_id, 100, age=80, over=True)

    assert await remove_old_calls(pool, 0) == 0
    assert await remove_old_calls(pool, 90) == 200
    assert await remove_old_calls(pool, 90) == 0

    assert await _one(pool, "SELECT count(*) AS value FROM call") == 150
    assert await _one(pool, "SELECT count(*) AS value FROM callback") == 100
    assert await _one(pool, "SELECT count(*) AS value FROM call_trace") == 100
    measured = await measure(pool)
    assert sum(row["calls"] for row in measured.calls) == 150
    assert [(row["result"], row["calls"]) for row in measured.results] == [("busy", 300)], "removed ones included"


async def test_a_call_whose_result_was_not_delivered_yet_stays(pool: Pool) -> None:
    deployment_id = (await seed(pool)).deployment_id
    await _insert(pool, deployment_id, 3, age=100, over=True)
    async with pool.connection() as connection:
        await connection.execute(
            "UPDATE callback SET delivered_at = NULL, gave_up_at = CASE WHEN first THEN now() END "
            "FROM (SELECT call_id, row_number() OVER (ORDER BY call_id) = 1 AS first FROM callback ORDER BY 1 LIMIT 2) "
            "AS two WHERE callback.call_id = two.call_id"
        )
    assert await remove_old_calls(pool, 90) == 2
    assert await _one(pool, "SELECT count(*) AS value FROM callback WHERE delivered_at IS NULL") == 1
    async with pool.connection() as connection:
        await connection.execute("UPDATE callback SET delivered_at = now()")
    assert await remove_old_calls(pool, 90) == 1


async def test_the_walk_stops_where_the_young_begin(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 10)
    deployment_id = (await seed(pool)).deployment_id
    await _insert(pool, deployment_id, 25, age=100, over=True)
    await _insert(pool, deployment_id, 5000, age=1, over=True)
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
    before = await _one(pool, "SELECT coalesce(sum(idx_tup_read), 0) AS value FROM pg_stat_user_indexes")
    assert await remove_old_calls(pool, 90) == 25
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
    assert await _one(pool, "SELECT sum(idx_tup_read) AS value FROM pg_stat_user_indexes") - before < 1000


async def test_an_export_reads_back(pool: Pool) -> None:
    deployment_id = (await seed(pool)).deployment_id
    other = (await seed(pool)).deployment_id
    await _insert(pool, deployment_id, 3, age=2, over=True, variables='{"name": "\\u00c4nn \\"x\\",\\n=1"}')
    await _insert(pool, deployment_id, 2, age=0, over=False)
    await _insert(pool, other, 1, age=0, over=False, variables='{"secret": "x"}', is_pci=True)

    text = "".join([piece async for piece in export_calls(pool, Selection(deployment_id), "csv")])
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["phone_number"] for row in rows] == [f"'+1617555{n}" for n in (1001, 1002, 1003, 1001, 1002)]
    assert unescape_cell(rows[0]["phone_number"]) == "+16175551001"
    assert json.loads(rows[0]["variables"]) == {"name": 'Änn "x",\n=1'}
    assert (rows[0]["status"], rows[0]["result"], rows[4]["status"], rows[4]["ended_at"]) == (
        "failed",
        "busy",
        "queued",
        "",
    )

    young = Selection(since=datetime.now(UTC) - timedelta(days=1), status="queued")
    lines = [json.loads(line) async for piece in export_calls(pool, young, "jsonl") for line in piece.splitlines()]
    assert [line["deployment_id"] for line in lines] == [deployment_id, deployment_id, other]
    assert (lines[2]["phone_number"], lines[2]["variables"]) == ("**********01", None)


@pytest.mark.parametrize("page", [1, 3, 7, 8])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_the_pages_of_an_export_join(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, page: int, form: export.Format
) -> None:
    monkeypatch.setattr(export, "_PAGE", page)
    deployment_id, other = [(await seed(pool)).deployment_id for _ in range(2)]
    for calls in (1, 4, 2):
        await _insert(pool, deployment_id, calls, age=0, over=False)
        await _insert(pool, other, 2, age=0, over=False)
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT id FROM call WHERE deployment_id = %s ORDER BY id", (deployment_id,))
        call_ids = [row["id"] for row in await cursor.fetchall()]
    lines = "".join([piece async for piece in export_calls(pool, Selection(deployment_id), form)]).splitlines()
    if form == "csv":
        assert [line.split(",")[0] for line in lines] == ["call_id", *map(str, call_ids)]
    else:
        assert [json.loads(line)["call_id"] for line in lines] == call_ids


async def test_housekeeping_forgets_what_is_old(pool: Pool) -> None:
    deployment_id = (await seed(pool)).deployment_id
    await _insert(pool, deployment_id, 3, age=10, over=True)
    await _insert(pool, deployment_id, 2, age=3, over=True)
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO idempotency_key (deployment_id, key, fingerprint, call_ids, created_at) "
            "SELECT %s, age::text, sha256(''), '{1}', now() - make_interval(hours => age) "
            "FROM unnest('{1, 25}'::int[]) AS age",
            (deployment_id,),
        )
    keeping = asyncio.create_task(keep_house(pool, retention_days=5))
    try:
        async with asyncio.timeout(20):
            while await _one(pool, "SELECT count(*) AS value FROM call") > 2:
                await asyncio.sleep(0.05)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    assert await _one(pool, "SELECT count(*) AS value FROM call") == 2
    assert await _one(pool, "SELECT max(key::int) AS value FROM idempotency_key") == 1
