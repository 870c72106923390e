"""Brings a database to the schema of this Calloff.

`migrations/` holds the tables: numbered files, applied once each, in order. `functions/` holds what runs on them, the
functions, the triggers that call them and the views, one a file and named after it: each is applied again when its text
changed or the tables did.
"""

import hashlib
import logging
import re
from dataclasses import dataclass
from importlib.resources import files

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from calloff.db.pool import UNBOUNDED, set_up
from calloff.db.statements import load
from calloff.domain.errors import NotConfigured

logger = logging.getLogger(__name__)

OLDEST_SERVER = 15
"""The oldest major version of PostgreSQL that Calloff works with."""

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LOCK_KEY = 0x43414C4C4F4646
"""Of the advisory lock that lets one process migrate at a time: `CALLOFF` in ASCII."""

Connection = psycopg.AsyncConnection[TupleRow]


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of its text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Function:
    """A function, with the trigger that calls it if there is one, or a view."""

    name: str
    sql: str

    def checksum(self, steps: list[Migration]) -> str:
        """SHA-256 of its text and of the last step of the tables that it was applied to, in hexadecimal."""
        return hashlib.sha256(f"{steps[-1].version if steps else 0} {self.sql}".encode()).hexdigest()


async def migrate(conninfo: str, *, package: str = "calloff.db") -> list[str]:
    """Apply the steps in `migrations/` of `package` that the database lacks; returns their names, often none.

    Each step is one transaction, written to the table `migration`; then all functions that changed are one more. Any
    number of processes may call this at once. Where two versions run beside each other, the functions are those of the
    process that started last: what another version calls differently then fails, and is never half done.
    Raises `NotConfigured` if PostgreSQL is older than 15 or cannot be reached, if the database is newer than this
    Calloff, or if a step was changed after it was applied.
    """
    try:
        connection = await psycopg.AsyncConnection.connect(
            conninfo, autocommit=True, application_name="calloff migrate"
        )
    except psycopg.OperationalError as error:
        raise NotConfigured(f"PostgreSQL cannot be reached ({error}); check --database-url and the server.") from error
    async with connection:
        await set_up(connection, UNBOUNDED)
        require_server(connection.info.server_version)
        await connection.execute(load("calloff.db", "lock_migrations"), [_LOCK_KEY])
        await connection.execute(load("calloff.db", "create_ledger"))
        await connection.execute(load("calloff.db", "create_function_ledger"))
        steps = known_steps(package)
        pending = await _pending(connection, steps)
        for step in pending:
            await _apply(connection, step)
        await _apply_functions(connection, known_functions(package), steps)
        return [f"{step.version:04}_{step.name}" for step in pending]


def require_server(version: int) -> None:
    """Raise `NotConfigured` for a `server_version` of libpq (such as 150004) that is too old."""
    if version // 10000 < OLDEST_SERVER:
        raise NotConfigured(
            f"Calloff needs PostgreSQL {OLDEST_SERVER} or later, but the server is {version // 10000}; upgrade it."
        )


def known_steps(package: str) -> list[Migration]:
    """The steps in `migrations/` of `package`, in order. Raises `ValueError` for a misnamed file or a number twice."""
    steps: dict[int, Migration] = {}
    for file in files(package).joinpath("migrations").iterdir():
        if not file.name.endswith(".sql"):
            continue
        match = _FILE_NAME.fullmatch(file.name)
        if match is None:
            raise ValueError(f"The migration {file.name} is not named like 0001_first_step.sql.")
        version = int(match[1])
        if version in steps:
            raise ValueError(f"There are two migrations with the number {match[1]}.")
        steps[version] = Migration(version, match[2], file.read_text(encoding="utf-8"))
    return [steps[version] for version in sorted(steps)]


def known_functions(package: str) -> list[Function]:
    """What is in `functions/` of `package`, by name; none if it has no such directory."""
    directory = files(package).joinpath("functions")
    if not directory.is_dir():
        return []
    found = [file for file in directory.iterdir() if file.name.endswith(".sql")]
    return sorted(
        (Function(file.name.removesuffix(".sql"), file.read_text(encoding="utf-8")) for file in found),
        key=lambda function: function.name,
    )


async def _pending(connection: Connection, steps: list[Migration]) -> list[Migration]:
    known = {step.version: step for step in steps}
    applied: set[int] = set()
    async for version, name, checksum in await connection.execute(load("calloff.db", "applied_migrations")):
        step = known.get(version)
        if step is None:
            raise NotConfigured(
                f"The database has the step {version:04}_{name}, which this Calloff does not know; "
                "use the Calloff that made it, or a newer one."
            )
        if step.checksum != checksum:
            raise NotConfigured(
                f"The step {version:04}_{step.name} is not the one that was applied to the database; "
                "install Calloff again, unchanged."
            )
        applied.add(version)
    return [step for step in steps if step.version not in applied]


async def _apply(connection: Connection, step: Migration) -> None:
    async with connection.transaction():
        await connection.execute(step.sql)
        await connection.execute(load("calloff.db", "record_migration"), [step.version, step.name, step.checksum])
    logger.info("Applied the migration %04d_%s.", step.version, step.name)


async def _apply_functions(connection: Connection, functions: list[Function], steps: list[Migration]) -> None:
    """In one transaction, so that nobody calls functions of two versions."""
    cursor = await connection.execute(load("calloff.db", "applied_functions"))
    applied: dict[str, str] = dict(await cursor.fetchall())
    changed = [function for function in functions if applied.get(function.name) != function.checksum(steps)]
    gone = applied.keys() - {function.name for function in functions}
    if not changed and not gone:
        return
    async with connection.transaction():
        for name in sorted(gone):
            await _drop(connection, await _signatures(connection, name))
            await connection.execute(load("calloff.db", "forget_function"), [name])
        for function in changed:
            await _replace(connection, function)
            await connection.execute(load("calloff.db", "record_function"), [function.name, function.checksum(steps)])
    logger.info("Applied %d functions anew and dropped %d.", len(changed), len(gone))


async def _replace(connection: Connection, function: Function) -> None:
    """Replaced in place where that is possible, so that whoever calls it meanwhile finds it."""
    before = await _signatures(connection, function.name)
    try:
        async with connection.transaction():
            await connection.execute(function.sql)
    except psycopg.errors.InvalidFunctionDefinition:
        # It returns something else, or its parameters have other names.
        await _drop(connection, before)
        await connection.execute(function.sql)
    else:
        if await _signatures(connection, function.name) != before:
            # Other parameters make another function of the same name, and nobody may go on with the old rules.
            await _drop(connection, before)


async def _signatures(connection: Connection, name: str) -> list[str]:
    cursor = await connection.execute(load("calloff.db", "function_signatures"), [name])
    return sorted(signature for (signature,) in await cursor.fetchall())


async def _drop(connection: Connection, signatures: list[str]) -> None:
    for signature in signatures:
        # As the server itself spells and quotes it.
        await connection.execute(sql.SQL("DROP FUNCTION ") + sql.SQL(signature))
