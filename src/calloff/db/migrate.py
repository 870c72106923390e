"""Brings a database to the schema of this version: numbered steps, each applied once, with a ledger."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from calloff.db.pool import Connection, connection_settings
from calloff.domain.errors import NotConfigured

_OLDEST_SERVER = 150000
_LOCK = 0x43414C4C4F4646
"""Key of the advisory lock under which one process at a time migrates."""


@dataclass(frozen=True, slots=True)
class Step:
    """One file of `migrations/`."""

    version: int
    name: str
    sql: bytes

    @property
    def sha256(self) -> str:
        """The checksum that the ledger keeps."""
        return hashlib.sha256(self.sql).hexdigest()


def steps() -> list[Step]:
    """Every step of this version of Calloff, in order."""
    found = [path for path in files(__package__).joinpath("migrations").iterdir() if path.name.endswith(".sql")]
    return sorted(
        (Step(int(path.name[:4]), path.name[5:-4], path.read_bytes()) for path in found), key=lambda step: step.version
    )


async def migrate(conninfo: str) -> list[Step]:
    """Apply the steps that the database lacks and return them; safe when several processes start at once.

    Raises `NotConfigured` if the server is older than PostgreSQL 15, if the database is newer than this version of
    Calloff, or if a step was changed after it had been applied.
    """
    connection: Connection = await psycopg.AsyncConnection.connect(conninfo, **connection_settings("calloff migrate"))
    async with connection:
        if connection.info.server_version < _OLDEST_SERVER:
            raise NotConfigured("The database server is older than PostgreSQL 15. Use a newer server.")
        await connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migration (version integer PRIMARY KEY, name text NOT NULL, "
            "sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        missing = await _missing(connection)
        for step in missing:
            async with connection.transaction():
                await connection.execute(step.sql)
                await connection.execute(
                    "INSERT INTO migration (version, name, sha256) VALUES (%s, %s, %s)",
                    (step.version, step.name, step.sha256),
                )
        return missing


async def _missing(connection: Connection) -> list[Step]:
    cursor = await connection.execute("SELECT version, sha256 FROM migration")
    applied = {row["version"]: row["sha256"] for row in await cursor.fetchall()}
    known = steps()
    if applied.keys() - {step.version for step in known}:
        raise NotConfigured("The database belongs to a newer version of Calloff. Install that version.")
    for step in known:
        if applied.get(step.version, step.sha256) != step.sha256:
            raise NotConfigured(
                f"Migration {step.version} is not the one that this database was made with. "
                "Install the version of Calloff that made it."
            )
    return [step for step in known if step.version not in applied]
