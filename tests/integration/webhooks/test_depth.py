"""However many results wait for a dead host, nobody who looks for work reads more than a few rows of them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from calloff.calls.cancel import cancel_pending
from calloff.calls.submit import submit
from calloff.db.pool import Connection, Pool
from calloff.db.statements import load
from calloff.domain.calls import NewCall
from calloff.domain.phone import Destination
from tests.support.callbacks import add_waiting
from tests.support.seed import Seed, seed

DEEP = 10_000
ALIVE = "alive.example"
CLAIM = {"host": ALIVE, "limit": 4, "lease": 60}


@pytest.fixture(params=["as the tables were made", "after ANALYZE"])
async def deep(pool: Pool, request: pytest.FixtureRequest) -> Seed:
    """Ten thousand results wait for a dead host, and three for one that is alive."""
    made = await seed(pool)
    await add_waiting(pool, made.deployment_id, "dead.example", DEEP)
    await add_waiting(pool, made.deployment_id, ALIVE, 3)
    if request.param == "after ANALYZE":
        async with pool.connection() as connection:
            await connection.execute("ANALYZE")
    return made


@pytest.mark.parametrize(("statement", "parameters"), [("due_hosts", {}), ("claim_callbacks", CLAIM)])
async def test_looking_for_what_is_due_reads_a_few_rows(
    pool: Pool, deep: Seed, statement: str, parameters: dict[str, object]
) -> None:
    explain = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, FORMAT JSON) " + load("calloff.webhooks", statement)
    async with pool.connection() as connection:
        row = await (await connection.execute(explain.encode(), parameters)).fetchone()
    assert row is not None
    scans = list(_scans(row["QUERY PLAN"][0]["Plan"]))
    assert scans
    assert sum(scans) < 40, row["QUERY PLAN"]


async def test_the_end_of_a_call_adds_one_row_and_reads_none(pool: Pool, deep: Seed) -> None:
    new = NewCall(Destination("6175551234"), result_url="http://dead.example/done")
    await submit(pool, deep.deployment_id, new)
    await cancel_pending(pool, deep.deployment_id, user_id=None, origin="test")
    settle = {"deployment_id": deep.deployment_id, "limit": 10, "epoch": 0, "due_at": "-infinity", "call_id": 0}
    async with pool.connection() as connection, connection.transaction():
        before = await _touched(connection)
        await connection.execute(load("calloff.upkeep", "settle_canceled"), settle)
        assert await _touched(connection) - before == Counter(inserted=1)


async def test_claiming_a_call_does_not_look_at_the_outbox(pool: Pool, deep: Seed) -> None:
    await submit(pool, deep.deployment_id, NewCall(Destination("6175551234"), result_url="http://dead.example/done"))
    claim = {"deployment_id": deep.deployment_id, "dialer_id": 0, "limit": 10, "horizon": 1.0}
    async with pool.connection() as connection, connection.transaction():
        await connection.execute("INSERT INTO dialer (id, name, ports, lease_until) VALUES (0, 'd', 1, 'infinity')")
        before = await _touched(connection)
        row = await (await connection.execute(load("calloff.calls", "claim"), claim)).fetchone()
        assert row is not None
        assert len(row["value"]["calls"]) == 1
        assert await _touched(connection) == before


async def _touched(connection: Connection) -> Counter[str]:
    """How often this connection has scanned, inserted into and updated the outbox lately."""
    cursor = await connection.execute(
        "SELECT seq_scan + coalesce(idx_scan, 0) AS read, n_tup_ins AS inserted, n_tup_upd AS updated "
        "FROM pg_stat_xact_user_tables WHERE relname = 'callback'"
    )
    row = await cursor.fetchone()
    assert row is not None
    return Counter(row)


def _scans(plan: dict[str, Any]) -> Iterator[float]:
    """The rows that each scan of the outbox read, those that it left out included."""
    if plan.get("Relation Name") == "callback":
        read = (
            plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
        )
        yield read * plan["Actual Loops"]
    for child in plan.get("Plans", ()):
        yield from _scans(child)
