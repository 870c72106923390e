"""Where a statement runs: on any connection, or on the one whose transaction it is a part of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

from psycopg import AsyncConnection

from calloff.db.pool import Connection, Pool

Source: TypeAlias = Pool | Connection


@asynccontextmanager
async def on_connection(source: Source) -> AsyncIterator[Connection]:
    """The caller's connection, in whatever transaction it is, or one of the pool."""
    if isinstance(source, AsyncConnection):
        yield source
        return
    async with source.connection() as connection:
        yield connection


@asynccontextmanager
async def transaction_on(source: Source) -> AsyncIterator[Connection]:
    """The same, in a transaction: a part of the caller's, if there is one."""
    async with on_connection(source) as connection, connection.transaction():
        yield connection
