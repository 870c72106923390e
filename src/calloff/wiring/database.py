"""Finds the database: the one that was named, or the embedded one of the data directory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from calloff.config import Settings
from calloff.db.embedded import EmbeddedServer
from calloff.db.migrate import migrate
from calloff.db.pool import Pool, open_pool
from calloff.domain.errors import NotConfigured


def conninfo_of(settings: Settings) -> str:
    """Where the database is, whether it runs or not. Raises `NotConfigured` for an address that is none."""
    if settings.database_url is None:
        return EmbeddedServer(settings.data_dir).conninfo
    try:
        psycopg.conninfo.conninfo_to_dict(settings.database_url)
    except psycopg.ProgrammingError:
        raise NotConfigured(
            "The database URL cannot be read. Write it like postgresql://user:password@host:5432/database."
        ) from None
    return settings.database_url


@asynccontextmanager
async def database(settings: Settings, *, min_size: int = 1, max_size: int = 4) -> AsyncIterator[Pool]:
    """A pool on the database, brought to the schema of this version. Raises `NotConfigured` if it cannot be reached."""
    conninfo = conninfo_of(settings)
    try:
        async with await psycopg.AsyncConnection.connect(conninfo, connect_timeout=5):
            pass
    except psycopg.OperationalError as error:
        raise NotConfigured(_unreachable(settings)) from error
    await migrate(conninfo)
    pool = await open_pool(conninfo, min_size=min_size, max_size=max_size)
    try:
        yield pool
    finally:
        await pool.close()


def _unreachable(settings: Settings) -> str:
    if settings.database_url is not None:
        return "The database cannot be reached. Start it, or correct --database-url (CALLOFF_DATABASE_URL)."
    return (
        f"No Calloff is running on the data directory {settings.data_dir}. Start one with calloff serve, name another "
        "--data-dir, or the address of a PostgreSQL with --database-url."
    )
