"""What the promise needs of a session is set by us, on servers whose defaults are hostile."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg import sql

from calloff.calls.cancel import cancel_pending
from calloff.db.migrate import migrate
from calloff.db.pool import BULK, Bounds, Connection, open_connection, open_pool
from calloff.domain.results import Result
from calloff.upkeep.settler import settle_canceled
from tests.integration.calls.lab import Lab, start
from tests.support.packaged import packaged_programs, packaged_server
from tests.support.servers import execute, new_database

HOSTILE = {
    "jit": "on",
    "jit_above_cost": "0",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "synchronous_commit": "off",
    "client_min_messages": "error",
    "plan_cache_mode": "force_generic_plan",
    "enable_indexscan": "off",
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "German",
    "IntervalStyle": "sql_standard",
    "lock_timeout": "0",
    "idle_session_timeout": "200",
}


def database_of(url: str) -> str:
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    assert name is not None
    return str(name)


def turn_hostile(server_url: str, url: str) -> None:
    for setting, value in HOSTILE.items():
        execute(server_url, f"ALTER DATABASE \"{database_of(url)}\" SET {setting} = '{value}'")


async def live_one_life(lab: Lab) -> None:
    """Each statement of the cancel protocol once, and both ends of a call."""
    called_off, dialed = await lab.submit(), await lab.connected()
    assert await lab.settle(dialed, Result.ANSWERED)
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    assert await settle_canceled(lab.pool) == 1
    assert await lab.state(called_off) == "canceled"
    assert await lab.state(dialed.call_id) == "completed"
    await lab.assert_counts_are_true()


async def test_a_database_with_hostile_defaults_changes_nothing(server_url: str) -> None:
    with new_database(server_url) as url:
        turn_hostile(server_url, url)
        pool = await open_pool(url, min_size=1, max_size=4)
        async with pool.connection() as connection:
            cursor = await connection.execute("SELECT name, setting FROM pg_settings")
            found = {row["name"]: row["setting"] for row in await cursor.fetchall()}
            await asyncio.sleep(0.5)  # idle for longer than the database's default lets a session be
            await connection.execute("SELECT")
        assert {name: found[name] for name in HOSTILE if found[name].lower() == HOSTILE[name].lower()} == {
            # What remains is without effect: nothing is compiled, and each promise sets its own commit.
            "jit_above_cost": "0",
            "synchronous_commit": "off",
        }
        assert found["statement_timeout"] == "30000"
        assert found["lock_timeout"] == "5000"
        assert found["idle_in_transaction_session_timeout"] == "10000"
        await live_one_life(await Lab.open(url, pool))
        await pool.close()


async def test_a_migration_takes_as_long_as_it_takes(server_url: str) -> None:
    with new_database(server_url, template="template0") as url:
        turn_hostile(server_url, url)
        assert await migrate(url)


async def test_every_wait_ends_on_the_servers_side(database_url: str) -> None:
    pool = await open_pool(database_url, min_size=1, max_size=2, bounds=Bounds(statement="300ms", lock="100ms"))
    async with pool.connection() as holder, pool.connection() as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await connection.execute("SELECT pg_sleep(60)")
        await holder.execute("SELECT pg_advisory_lock(1)")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await connection.execute("SELECT pg_advisory_lock(1)")
    await pool.close()


async def test_a_transaction_that_is_left_open_is_ended_by_the_server(database_url: str) -> None:
    async with await open_connection(database_url, BULK) as connection:
        await connection.execute("SET idle_in_transaction_session_timeout = '100ms'")
        await connection.execute("BEGIN")
        with pytest.raises(psycopg.OperationalError):
            await anext(connection.notifies())


@pytest.fixture(scope="module")
def packaged_url() -> Iterator[str]:
    """A packaged server, which compiles whatever it may."""
    if packaged_programs() is None:
        pytest.skip("no PostgreSQL 15 or later is installed as packaged: apt-get install postgresql")
    with packaged_server("-c jit=on -c jit_above_cost=0") as url:
        yield url


@pytest.fixture
async def packaged_lab(packaged_url: str) -> AsyncIterator[Lab]:
    with new_database(packaged_url, template="template0") as url:
        await migrate(url)
        pool = await open_pool(url, min_size=1, max_size=4)
        yield await Lab.open(url, pool)
        await pool.close()


async def test_the_packaged_server_serves_a_whole_life(packaged_lab: Lab) -> None:
    await live_one_life(packaged_lab)


async def explained(lab: Lab) -> AsyncIterator[tuple[Connection, list[str]]]:
    """A connection whose plans are told, those inside of functions included."""
    plans: list[str] = []
    async with await open_connection(lab.url) as connection:
        for setting in (
            "LOAD 'auto_explain'",
            "SET auto_explain.log_min_duration = 0",
            "SET auto_explain.log_analyze = on",
            "SET auto_explain.log_nested_statements = on",
            "SET client_min_messages = log",
        ):
            await connection.execute(sql.SQL(setting))
        connection.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
        yield connection, plans


async def test_no_function_of_the_queue_compiles_anything(packaged_lab: Lab) -> None:
    """Also where the session would: the functions have to be safe behind any connection."""
    lab = packaged_lab
    await lab.submit()
    async for connection, plans in explained(lab):
        await connection.execute("SET jit = on")
        await connection.execute("SELECT count(*) FROM call")
        assert any("JIT:" in plan for plan in plans), "the server compiles what it is let"
        plans.clear()
        cursor = await connection.execute(
            "SELECT claim_calls(%s, %s, 1, 0.2) AS value", (lab.deployment_id, lab.dialer_id)
        )
        row = await cursor.fetchone()
        assert row is not None
        assert row["value"]["calls"]
        call, token = row["value"]["calls"][0]["id"], row["value"]["token"]
        start_one = "SELECT start_calls(%s, ARRAY[%s]::bigint[], ARRAY[%s]::uuid[], ARRAY['{}']::jsonb[])"
        await connection.execute(start_one, (lab.deployment_id, call, token))
        await connection.execute("SELECT expire_calls(%s, 10), rescue_calls(10)", (lab.deployment_id,))
        await connection.execute("SELECT cancel_pending(%s, NULL, 'test')", (lab.deployment_id,))
        inside = [plan for plan in plans if "INSERT INTO call_count" in plan or "UPDATE call AS c" in plan]
        assert len(inside) >= 4, "the statements inside of functions and triggers are told"
        assert [plan for plan in inside if "JIT:" in plan] == []


async def test_no_trigger_of_the_queue_compiles_anything(packaged_lab: Lab) -> None:
    """Whatever the statement is that it follows."""
    async for connection, plans in explained(packaged_lab):
        await connection.execute("SET jit = on")
        await connection.execute("SET enable_seqscan = off")
        await connection.execute(
            "INSERT INTO call (deployment_id, epoch, phone_number) VALUES (%s, 9, '6175551234')",
            (packaged_lab.deployment_id,),
        )
        await connection.execute("UPDATE call SET state = 'canceled', ended_at = now() WHERE epoch = 9")
        await connection.execute("DELETE FROM call WHERE epoch = 9")
        assert any("UPDATE call" in plan and "JIT:" in plan for plan in plans), "the statement itself is compiled"
        inside = [plan for plan in plans if "INSERT INTO call_count" in plan]
        assert len(inside) == 3
        assert [plan for plan in inside if "JIT:" in plan] == []


async def test_starting_on_the_packaged_server_costs_milliseconds(packaged_lab: Lab) -> None:
    lab = packaged_lab
    loop = asyncio.get_running_loop()
    for _ in range(3):
        await lab.dialing()
    claims = [await lab.claimed() for _ in range(10)]
    began_at = loop.time()
    for claimed in claims:
        assert await start(lab.pool, lab.deployment_id, [claimed])
    assert (loop.time() - began_at) / len(claims) < 0.05
