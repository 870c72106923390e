"""The pool over a PostgreSQL that is stopped and started under it."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from calloff.db.embedded import EmbeddedServer
from calloff.db.pool import Pool, open_pool
from tests.support.servers import NOT_DURABLE

SIZE = 6


@pytest.fixture
async def server(data_dir: Path) -> AsyncIterator[EmbeddedServer]:
    server = EmbeddedServer(data_dir, settings=NOT_DURABLE)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def own_pool(server: EmbeddedServer) -> AsyncIterator[Pool]:
    """A pool with six idle connections."""
    pool = await open_pool(server.conninfo, min_size=SIZE, max_size=SIZE)
    await pool.wait()
    yield pool
    await pool.close()


async def one(pool: Pool) -> int:
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT 1 AS one")).fetchone()
    assert row is not None
    return int(row["one"])


async def test_every_connection_commits_by_itself_speaks_utc_and_gives_dictionaries(database_url: str) -> None:
    pool = await open_pool(f"{database_url} options='-c work_mem=5MB -c timezone=Asia/Tokyo'", min_size=1, max_size=1)
    async with pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT current_setting('TimeZone') AS zone, current_setting('application_name') AS name, "
            "current_setting('work_mem') AS kept"
        )
        assert await cursor.fetchone() == {"zone": "UTC", "name": "calloff", "kept": "5MB"}
        assert connection.autocommit
        # Over a socket of this machine, the server takes them and shows 0.
        cursor = await connection.execute(
            "SELECT count(*) AS ours FROM pg_settings WHERE name LIKE 'tcp_keepalives_%' AND source = 'session'"
        )
        assert await cursor.fetchone() == {"ours": 3}, "a vanished host's locks end"
    await pool.close()


async def test_a_restart_of_the_server_between_two_uses_is_not_noticed(server: EmbeddedServer, own_pool: Pool) -> None:
    await server.stop()
    await server.start()
    began = time.monotonic()
    # One after another, so that the first one could run into every idle connection.
    assert [await one(own_pool) for _ in range(2 * SIZE)] == [1] * 2 * SIZE
    assert time.monotonic() - began < 4


async def test_a_dead_server_is_an_error_within_seconds_and_forgotten_when_it_is_back(
    server: EmbeddedServer, own_pool: Pool
) -> None:
    await server.stop()
    began = time.monotonic()
    refused = await asyncio.gather(*(one(own_pool) for _ in range(2 * SIZE)), return_exceptions=True)
    assert [type(error) for error in refused] == [PoolTimeout] * 2 * SIZE
    assert time.monotonic() - began < 8

    waiting = asyncio.create_task(one(own_pool))
    await server.start()
    assert await waiting == 1
    assert await asyncio.gather(*(one(own_pool) for _ in range(2 * SIZE))) == [1] * 2 * SIZE


async def test_a_statement_that_the_server_dies_under_fails_and_its_connection_is_not_used_again(
    server: EmbeddedServer, own_pool: Pool
) -> None:
    sleeping = asyncio.create_task(_sleep(own_pool))
    while not await _is_sleeping(own_pool):
        await asyncio.sleep(0.01)
    await server.stop()
    with pytest.raises(psycopg.OperationalError):
        await sleeping
    await server.start()
    assert await asyncio.gather(*(one(own_pool) for _ in range(2 * SIZE))) == [1] * 2 * SIZE


async def _sleep(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("SELECT pg_sleep(60)")


async def _is_sleeping(pool: Pool) -> bool:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    return cursor.rowcount == 1


async def test_a_server_that_is_away_from_the_start_is_told_within_seconds(data_dir: Path) -> None:
    began = time.monotonic()
    with pytest.raises(PoolTimeout):
        await open_pool(EmbeddedServer(data_dir).conninfo, min_size=1, max_size=2)
    assert time.monotonic() - began < 8
