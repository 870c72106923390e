"""A deployment to move calls in."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from calloff.db.pool import Pool, open_pool
from tests.integration.calls.lab import Lab
from tests.support.servers import new_database


@pytest.fixture(scope="session")
def queue_database(server_url: str) -> Iterator[str]:
    """A database for all these tests: they are many and small, and making one takes longer than most of them."""
    with new_database(server_url) as url:
        yield url


@pytest.fixture
def database_url(queue_database: str) -> str:
    """The database, emptied and left by whoever was there before."""
    with psycopg.connect(queue_database, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        connection.execute("TRUNCATE account, trunk, dialer, call, call_count, callback RESTART IDENTITY CASCADE")
    return queue_database


@pytest.fixture
async def lab(database_url: str, pool: Pool) -> Lab:
    """One deployment without limits, and one dialer with a lease."""
    return await Lab.open(database_url, pool)


@pytest.fixture
async def own_lab(server_url: str) -> AsyncIterator[Lab]:
    """The same in a fresh database of its own, for tests that change functions or look at plans."""
    with new_database(server_url) as url:
        pool = await open_pool(url, min_size=1, max_size=8)
        yield await Lab.open(url, pool)
        await pool.close()
