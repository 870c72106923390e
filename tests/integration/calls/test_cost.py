"""What a statement costs does not depend on how many calls wait: counted in buffers, with any statistics and plan."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pytest
from psycopg import sql

from calloff.calls.cancel import cancel_pending
from calloff.db.pool import Connection, open_pool
from calloff.db.statements import load
from calloff.domain.calls import STATUSES
from calloff.upkeep.settler import settle_canceled
from tests.integration.calls.lab import Lab, open_connection
from tests.support.servers import new_database

SHALLOW, DEEP = 1_000, 100_000
TOLERANCE = 150
"""Buffers that the deep queue may cost more: its indexes have a level more, and a page of a list asks for 50 calls. (To
read one index of the deep queue from end to end would be 400 or more.)"""

Costs = dict[str, int]


async def costs(lab: Lab, generic: bool) -> Costs:
    """The buffers that each statement of the hot path touches now."""
    place = {"deployment_id": lab.deployment_id}
    page = {**place, "limit": 50, "before": 2**62}
    statements: dict[str, Mapping[str, Any]] = {
        "claim": {**place, "dialer_id": lab.dialer_id, "limit": 10, "horizon": 0.2},
        "cancel": {**place, "user_id": None, "origin": "test", "hangs_up": False},
        "expire": {**place, "limit": 1000},
        "rescue": {"patience": 10.0},
        "due": {},
        "closing": {},
        "stale": {},
        "count_calls": {},
        "count_results": {},
        "measure_queues": {},
        "measure_held": {},
        "find_call": {"call_id": (await lab.rows("SELECT max(id) AS id FROM call"))[0]["id"]},
        "list_calls": {**page, "statuses": list(STATUSES)},
        "list_cancellations": page,
    }
    async with open_connection(lab.url) as connection:
        await connection.execute(f"SET plan_cache_mode = {'force_generic_plan' if generic else 'auto'}")
        found = {name: await buffers(connection, name, parameters) for name, parameters in statements.items()}
        for status in STATUSES:
            parameters = {**page, "statuses": [status]}
            found[f"list_calls {status}"] = await buffers(connection, "list_calls", parameters)
        # The settler does not look where `stale` sees nothing to do.
        if await (await connection.execute(load("calloff.upkeep", "stale"))).fetchall():
            parameters = {**place, "limit": 10, "epoch": -1, "due_at": "-infinity", "call_id": 0}
            found["settle_canceled"] = await buffers(connection, "settle_canceled", parameters)
        async with connection.transaction(force_rollback=True):
            cursor = await connection.execute(load("calloff.calls", "claim"), statements["claim"])
            row = await cursor.fetchone()
            assert row is not None
            claimed = row["value"]["calls"]
            tokens = {
                "call_ids": [call["id"] for call in claimed],
                "tokens": [row["value"]["token"]] * len(claimed),
                "dialogs": ["{}"] * len(claimed),
            }
            if claimed:
                found["start"] = await buffers(connection, "start", {**place, **tokens})
    return found


def _statement(name: str) -> str:
    package = next(
        each
        for each in ("calls", "lists", "upkeep", "reports")
        if (files("calloff") / each / "queries" / f"{name}.sql").is_file()
    )
    return load(f"calloff.{package}", name)


async def buffers(connection: Connection, name: str, parameters: Mapping[str, Any]) -> int:
    """Pages that the statement touches, after it ran often enough for a cached plan, and caches were warm."""
    order = list(parameters)
    text = re.sub(r"%\((\w+)\)[sb]", lambda found: f"${order.index(found[1]) + 1}", _statement(name))
    arguments = sql.SQL(", ").join([sql.Literal(value) for value in parameters.values()])
    execute = sql.SQL("EXECUTE tried ({})" if order else "EXECUTE tried").format(arguments)
    await connection.execute(sql.SQL("PREPARE tried AS ") + sql.SQL(text))
    try:
        for _ in range(7):
            async with connection.transaction(force_rollback=True):
                await connection.execute(execute)
        async with connection.transaction(force_rollback=True):
            cursor = await connection.execute(sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + execute)
            row = await cursor.fetchone()
            assert row is not None
            [explained] = row["QUERY PLAN"]
            scans = await connection.execute(
                "SELECT relname FROM pg_stat_xact_user_tables WHERE seq_tup_read > %s", [DEEP / 2]
            )
            # A few hundred rows are read faster without an index, and nobody minds.
            assert await scans.fetchall() == [], f"{name} reads a whole table"
    finally:
        await connection.execute("DEALLOCATE tried")
    plan = explained["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


async def costs_of_a_life(url: str, depth: int, generic: bool) -> dict[str, Costs]:
    """The costs at each turn in the life of a queue of that many calls."""
    pool = await open_pool(url, min_size=1, max_size=4)
    lab = await Lab.open(url, pool)
    found = {}
    await lab.fill(depth, closes=True)
    found["fresh, never analyzed"] = await costs(lab, generic)
    await lab.do("ANALYZE")
    found["analyzed"] = await costs(lab, generic)
    await cancel_pending(pool, lab.deployment_id, user_id=None, origin="test")
    found["right after the cancel"] = await costs(lab, generic)
    await lab.fill(depth, closes=True)
    found["filled again, with old statistics"] = await costs(lab, generic)
    await settle_canceled(pool)
    found["settled"] = await costs(lab, generic)
    await lab.do("ANALYZE")
    found["settled and analyzed"] = await costs(lab, generic)
    await pool.close()
    return found


def too_dear(deep: dict[str, Costs], shallow: dict[str, Costs]) -> list[str]:
    """What costs more because of the depth."""
    return [
        f"{turn}: {name} costs {cost} buffers, and {shallow[turn][name]} at {SHALLOW} calls"
        for turn in deep
        for name, cost in deep[turn].items()
        if cost > shallow[turn][name] + TOLERANCE
    ]


@pytest.mark.parametrize("generic", [False, True])
async def test_no_statement_costs_more_when_more_calls_wait(server_url: str, generic: bool) -> None:
    with new_database(server_url) as url:
        shallow = await costs_of_a_life(url, SHALLOW, generic)
    with new_database(server_url) as url:
        deep = await costs_of_a_life(url, DEEP, generic)
    assert too_dear(deep, shallow) == []
    assert deep["filled again, with old statistics"].keys() >= {
        "claim",
        "start",
        "cancel",
        "find_call",
        "settle_canceled",
    }


_OLD_AND_YOUNG = """
    WITH kept AS (
        INSERT INTO call (deployment_id, epoch, phone_number, queued_at, state, ended_at, result)
        SELECT %(deployment_id)s, 0, '6175551234', age, 'failed', age, 'busy'
        FROM generate_series(1, %(depth)s) AS n,
             LATERAL (SELECT CASE WHEN n <= 10 THEN now() - interval '100 days' ELSE now() END) AS x (age)
        RETURNING id, deployment_id, ended_at
    ), told AS (
        INSERT INTO callback (call_id, deployment_id, host, delivered_at)
        SELECT id, deployment_id, 'example.com', ended_at FROM kept
    ), tried AS (
        INSERT INTO callback (call_id, deployment_id, host, failures)
        SELECT -n, %(deployment_id)s, 'example.com', n %% 2 FROM generate_series(1, 10) AS n
    )
    INSERT INTO idempotency_key (deployment_id, key, fingerprint, call_ids, created_at)
    SELECT deployment_id, id::text, sha256(''), ARRAY[id], ended_at FROM kept
"""


async def costs_of_forgetting(url: str, depth: int, generic: bool) -> dict[str, Costs]:
    """What it costs to remove ten old calls and keys and to count ten callbacks, of that many that are kept."""
    pool = await open_pool(url, min_size=1, max_size=4)
    lab = await Lab.open(url, pool)
    async with pool.connection() as connection:
        await connection.execute(_OLD_AND_YOUNG, {"deployment_id": lab.deployment_id, "depth": depth})
    found = {}
    for turn in ("never analyzed", "analyzed"):
        async with open_connection(url) as connection:
            await connection.execute(f"SET plan_cache_mode = {'force_generic_plan' if generic else 'auto'}")
            found[turn] = {
                "remove_old_calls": await buffers(
                    connection, "remove_old_calls", {"after": 0, "limit": 20, "days": 90}
                ),
                "forget_keys": await buffers(connection, "forget_keys", {}),
                "measure_callbacks": await buffers(connection, "measure_callbacks", {}),
            }
        await lab.do("ANALYZE")
    await pool.close()
    return found


@pytest.mark.parametrize("generic", [False, True])
async def test_forgetting_costs_what_is_forgotten_and_counting_what_is_counted(server_url: str, generic: bool) -> None:
    with new_database(server_url) as url:
        shallow = await costs_of_forgetting(url, SHALLOW, generic)
    with new_database(server_url) as url:
        deep = await costs_of_forgetting(url, DEEP, generic)
    assert too_dear(deep, shallow) == []


async def costs_beside_a_list(url: str, depth: int, generic: bool) -> dict[str, Costs]:
    """What it costs to call off a list of that many calls, and then to dial ten others beside it."""
    pool = await open_pool(url, min_size=1, max_size=4)
    lab = await Lab.open(url, pool)
    [made] = await lab.rows(
        "INSERT INTO list (deployment_id, queue_epoch, name, sha256, columns, origin, accepted, rejected, "
        "first_call_id, last_call_id) "
        "VALUES (%s, 0, 'list', sha256(''), '{}', 'test', %s, 0, 1, %s) RETURNING id, epoch",
        lab.deployment_id,
        depth,
        depth,
    )
    # The list is due before all others.
    await lab.fill(depth, epoch=made["epoch"], closes=True)
    for _ in range(10):
        await lab.submit()
    place = {"deployment_id": lab.deployment_id}
    cancel = {**place, "list_id": made["id"], "user_id": None, "origin": "test"}
    found = {}
    async with open_connection(url) as connection:
        await connection.execute(f"SET plan_cache_mode = {'force_generic_plan' if generic else 'auto'}")
        found["live"] = {"cancel_list": await buffers(connection, "cancel_list", cancel)}
        await connection.execute(load("calloff.lists", "cancel_list"), cancel)
        found["called off"] = await costs(lab, generic)
        assert len(await lab.claim(limit=20)) == 10
    await pool.close()
    return found


@pytest.mark.parametrize("generic", [False, True])
async def test_a_list_that_was_called_off_costs_nobody_anything(server_url: str, generic: bool) -> None:
    with new_database(server_url) as url:
        shallow = await costs_beside_a_list(url, SHALLOW, generic)
    with new_database(server_url) as url:
        deep = await costs_beside_a_list(url, DEEP, generic)
    assert too_dear(deep, shallow) == []
