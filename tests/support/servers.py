"""PostgreSQL for the tests: one server a session with a migrated template, and a database a test copied from it."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from calloff.db.embedded import EmbeddedServer
from calloff.db.migrate import migrate

TEMPLATE = "template_calloff"
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on", "shared_buffers": "64MB"}
"""For servers whose data nobody keeps. `synchronous_commit` stays on, because Calloff looks at it."""


class SessionServer:
    """The server that every test of a session shares."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="calloff-tests-"))
        self._server = EmbeddedServer(self._directory, settings=NOT_DURABLE)
        self.url = self._server.conninfo

    def start(self) -> None:
        """Start it and make the template."""
        asyncio.run(self._start())

    def stop(self) -> None:
        """Stop it and delete its data."""
        asyncio.run(self._server.stop())
        shutil.rmtree(self._directory)

    def address(self, database: str) -> str:
        """The address of one of its databases."""
        return make_conninfo(self.url, dbname=database)

    async def _start(self) -> None:
        await self._server.start()
        execute(self.url, f"CREATE DATABASE {TEMPLATE}")
        await migrate(self.address(TEMPLATE))


@contextmanager
def new_database(server_url: str, template: str = TEMPLATE) -> Iterator[str]:
    """A database of its own, copied from `template`; dropped at the end, whoever is still connected."""
    name = f"test_{uuid4().hex}"
    execute(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield make_conninfo(server_url, dbname=name)
    finally:
        execute(server_url, f"DROP DATABASE {name} WITH (FORCE)")


def execute(url: str, statement: str) -> None:
    """Run one statement that a test made itself, in a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement))
