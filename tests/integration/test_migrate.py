"""Migrations: applied once each, by one process at a time, and only those that this version knows."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from calloff.db import migrate as migrations
from calloff.db.migrate import Function, known_functions, known_steps, migrate, require_server
from calloff.domain.errors import NotConfigured
from tests.support.schema import SCHEMA, dump
from tests.support.servers import execute, new_database

ROOT = Path(__file__).parents[2]
STEPS = known_steps("calloff.db")
NAMES = [f"{step.version:04}_{step.name}" for step in STEPS]


@pytest.fixture
def empty_database(server_url: str) -> Iterator[str]:
    with new_database(server_url, template="template0") as url:
        yield url


def ledger(url: str) -> list[tuple[int, str, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT version, name, checksum FROM migration ORDER BY version").fetchall()


async def test_every_step_is_applied_once_and_written_down(empty_database: str) -> None:
    assert await migrate(empty_database) == NAMES
    assert await migrate(empty_database) == []
    assert ledger(empty_database) == [(step.version, step.name, step.checksum) for step in STEPS]


async def test_the_schema_file_is_the_sum_of_the_steps(empty_database: str) -> None:
    await migrate(empty_database)
    assert dump(empty_database) == SCHEMA.read_text(encoding="utf-8"), "run `make schema` and commit what it wrote"


def test_three_processes_at_once_apply_each_step_once(empty_database: str) -> None:
    command = [sys.executable, "-m", "tests.support.migrator", empty_database]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sorted(counts) == [0, 0, len(STEPS)]


async def test_a_step_that_was_changed_after_it_was_applied_is_refused(database_url: str) -> None:
    execute(database_url, "UPDATE migration SET checksum = repeat('0', 64) WHERE version = 1")
    with pytest.raises(NotConfigured, match="is not the one that was applied"):
        await migrate(database_url)


async def test_a_database_of_a_newer_version_is_refused(database_url: str) -> None:
    newer = STEPS[-1].version + 1
    execute(database_url, f"INSERT INTO migration (version, name, checksum) VALUES ({newer}, 'later', repeat('0', 64))")
    with pytest.raises(NotConfigured, match="which this Calloff does not know"):
        await migrate(database_url)
    assert ledger(database_url)[-1][0] == newer


async def test_a_step_that_fails_leaves_nothing_and_can_be_repeated(empty_database: str) -> None:
    execute(empty_database, "CREATE VIEW call AS SELECT")
    with pytest.raises(psycopg.Error):
        await migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert sorted(tables) == [("function_source",), ("migration",)]
    execute(empty_database, "DROP VIEW call")
    assert await migrate(empty_database) == NAMES


async def test_a_server_that_cannot_be_reached_is_told_to_the_operator(tmp_path: Path) -> None:
    with pytest.raises(NotConfigured, match="check --database-url"):
        await migrate(f"postgresql://calloff@/calloff?host={tmp_path}")


def test_a_server_that_is_too_old_is_refused() -> None:
    require_server(150000)
    with pytest.raises(NotConfigured, match="needs PostgreSQL 15 or later, but the server is 14"):
        require_server(140012)


def source(url: str, name: str) -> list[str]:
    """The texts of the functions of that name, as the server keeps them."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", [name]).fetchall()
        return [text for (text,) in found]


def use(monkeypatch: pytest.MonkeyPatch, *functions: Function) -> None:
    """Let the package have these functions beside, or instead of, its own."""
    own = {function.name: function for function in known_functions("calloff.db")}
    own.update({function.name: function for function in functions})
    monkeypatch.setattr(migrations, "known_functions", lambda _package: [own[name] for name in sorted(own)])


def adder(body: str, parameters: str = "a integer", result: str = "integer") -> Function:
    """A function named `adder`."""
    return Function(
        "adder", f"CREATE OR REPLACE FUNCTION adder({parameters}) RETURNS {result} LANGUAGE sql RETURN {body};"
    )


def test_every_file_makes_what_it_is_named_after_and_migrations_hold_no_functions() -> None:
    functions = known_functions("calloff.db")
    assert len(functions) > 15
    for function in functions:
        assert re.search(rf"^CREATE (OR REPLACE FUNCTION {function.name}\(|VIEW {function.name} )", function.sql, re.M)
        assert len(re.findall(r"^CREATE (OR REPLACE FUNCTION|VIEW)", function.sql, re.M)) == 1, function.name
    for step in STEPS:
        assert not re.search(r"\bFUNCTION|\bTRIGGER|\bVIEW", re.sub(r"--.*", "", step.sql)), step.name


async def test_a_function_is_applied_again_when_its_text_changed_and_only_then(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, adder("a + 1"))
    await migrate(database_url)
    assert "(a + 1)" in source(database_url, "adder")[0]
    execute(database_url, adder("a + 7").sql)
    await migrate(database_url)
    assert "(a + 7)" in source(database_url, "adder")[0], "what did not change is left alone"
    use(monkeypatch, adder("a + 2"))
    await migrate(database_url)
    assert "(a + 2)" in source(database_url, "adder")[0]


@pytest.mark.parametrize(
    "changed",
    [
        adder("a + b", "a integer, b integer"),
        adder("a + b", "a integer, b integer DEFAULT 1"),
        adder("'one'", result="text"),
        adder("n + 1", "n integer"),
    ],
)
async def test_a_function_that_is_called_differently_now_replaces_the_one_before(
    database_url: str, monkeypatch: pytest.MonkeyPatch, changed: Function
) -> None:
    use(monkeypatch, adder("a + 1"))
    await migrate(database_url)
    use(monkeypatch, changed)
    await migrate(database_url)
    [text] = source(database_url, "adder")
    assert re.sub(r"\s", "", changed.sql.partition("RETURN ")[2]).strip(";") in re.sub(r"[\s()]|::text", "", text)


async def test_functions_are_replaced_all_or_none_and_dropped_when_their_file_is_gone(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, adder("a + 1"), Function("zero", "CREATE OR REPLACE FUNCTION zero() RETURNS nonsense"))
    with pytest.raises(psycopg.Error):
        await migrate(database_url)
    assert source(database_url, "adder") == []
    use(monkeypatch, adder("a + 1"))
    await migrate(database_url)
    assert len(source(database_url, "adder")) == 1
    use(monkeypatch)
    await migrate(database_url)
    assert source(database_url, "adder") == []


async def test_everything_is_applied_again_after_a_change_of_the_tables(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A view of all columns of a table does not know the new one."""
    step = migrations.Migration(STEPS[-1].version + 1, "later", "ALTER TABLE call ADD weather text")
    monkeypatch.setattr(migrations, "known_steps", lambda _package: [*STEPS, step])
    await migrate(database_url)
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT weather, status FROM call_status")
