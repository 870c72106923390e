"""Every change on the command line is one entry of the audit log.

Those by the console and the API are `tests/integration/console/test_audit.py`'s.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from typer.core import TyperGroup
from typer.main import get_command

from calloff.accounts.keys import add_key
from calloff.accounts.users import add_user
from calloff.api.app import create_app
from calloff.calls.submit import submit
from calloff.cli import app
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from tests.support.changes import Entry, changes_by, entries, newest, not_recorded_by
from tests.support.seed import Seed, seed
from tests.support.serving import environment
from tests.support.uploading import publish_document, queue_small_list

Run = Callable[[str], Awaitable[int]]

_OPERATORS = changes_by("calloff admin")
_CLIENTS = {line: change for line, change in changes_by("calloff").items() if line not in _OPERATORS}
_DOCUMENT = '<vxml version="2.1"><form><block><exit/></block></form></vxml>'


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command line in this process; returns its exit code."""
    for name, value in environment(database_url=database_url, data_dir=str(tmp_path)).items():
        monkeypatch.setenv(name, value)

    def to_its_end(line: str) -> int:
        with pytest.raises(SystemExit) as ended:
            app(line.split()[1:])
        return int(ended.value.code or 0)

    async def run(line: str) -> int:
        return await asyncio.to_thread(to_its_end, line)

    return run


def test_no_command_is_left_out() -> None:
    root = get_command(app)
    known = {_command_of(root, line) for line in (*_OPERATORS, *_CLIENTS)}
    assert _commands(root, "calloff") == known | set(not_recorded_by("calloff"))


def _commands(command: object, name: str) -> set[str]:
    if not isinstance(command, TyperGroup):
        return {name}
    return {found for word, each in command.commands.items() for found in _commands(each, f"{name} {word}")}


def _command_of(command: object, line: str) -> str:
    """The words of the line that name the command, without its arguments."""
    words = line.split()
    for length, word in enumerate(words[1:], 1):
        if not isinstance(command, TyperGroup):
            return " ".join(words[:length])
        command = command.commands[word]
    return line


@pytest.mark.parametrize("line", _OPERATORS)
async def test_what_the_operator_changes_is_one_entry(pool: Pool, run: Run, tmp_path: Path, line: str) -> None:
    seeded = await seed(pool)
    places = await _fill(pool, seeded, tmp_path)
    assert await run(line.format(**places)) == 0
    change, made = _OPERATORS[line], await newest(pool)
    # A trunk is no single account's.
    account_id = None if " trunk " in line else made["new_account"]
    assert await entries(pool) == [
        Entry(account_id, None, "command line", change.action, change.subject.format(**places, **made))
    ]


@pytest.mark.parametrize("line", _CLIENTS)
async def test_what_a_user_changes_is_one_entry_of_the_api(
    pool: Pool, database_url: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    seeded = await seed(pool)
    places = await _fill(pool, seeded, tmp_path)
    async with _served(pool, database_url) as url:
        for name, value in (("URL", url), ("EMAIL", seeded.email), ("KEY", seeded.developer_key)):
            monkeypatch.setenv(f"CALLOFF_{name}", value)
        assert await run(line.format(**places)) == 0
    change = _CLIENTS[line]
    assert await entries(pool) == [
        Entry(seeded.account_id, seeded.user_id, "api 127.0.0.1", change.action, change.subject.format(**places))
    ]


async def test_a_message_that_is_published_at_once_is_two_entries(pool: Pool, run: Run, tmp_path: Path) -> None:
    places = await _fill(pool, await seed(pool), tmp_path)
    put = "calloff admin message put greeting {document} --app {application_id} --deployment {deployment_id}"
    assert await run(put.format(**places)) == 0
    assert [entry.action for entry in await entries(pool)] == ["save a message", "publish a message"]
    assert await run(put.replace("{document}", "{list}").format(**places)) == 1
    assert len(await entries(pool)) == 2


@pytest.mark.parametrize("line", ["calloff admin trunk test nowhere 6175551234", "calloff admin user deactivate 12345"])
async def test_what_is_refused_is_no_entry(pool: Pool, run: Run, line: str) -> None:
    await seed(pool)
    assert await run(line) == 1
    assert await entries(pool) == []


async def _fill(pool: Pool, seeded: Seed, directory: Path) -> dict[str, str]:
    """What the command lines name: one of each thing in the seeded account, and files."""
    async with pool.connection() as connection:
        await connection.execute("UPDATE trunk SET settings = '{\"speed\": 100}'")
    (directory / "application.vxml").write_text(_DOCUMENT)
    (directory / "list.csv").write_text("destination\n+16175551234\n+16175551235\n")
    user = await add_user(pool, seeded.account_id, "target@example.com")
    for version in (1, 2):
        await publish_document(pool, seeded.deployment_id, "reminder", _DOCUMENT.encode() + b"<!-- %d -->" % version)
    return {
        "account_id": str(seeded.account_id),
        "application_id": str(seeded.application_id),
        "deployment_id": str(seeded.deployment_id),
        "trunk_id": str(seeded.trunk_id),
        "call_id": str(await submit(pool, seeded.deployment_id, NewCall(parse_destination("+16175551234")))),
        "list_id": str(await queue_small_list(pool, seeded.deployment_id)),
        "key_id": str((await add_key(pool, seeded.user_id)).id),
        "user_id": str(user.id),
        "user_email": user.email,
        "document": str(directory / "application.vxml"),
        "list": str(directory / "list.csv"),
    }


@asynccontextmanager
async def _served(pool: Pool, database_url: str) -> AsyncIterator[str]:
    """The API at the address that this yields; at the end it has done what it does after its answers, too."""
    config = uvicorn.Config(create_app(pool, database_url), lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(server.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving
