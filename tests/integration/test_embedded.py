"""The embedded server through everything that may happen to it."""

import asyncio
import contextlib
import logging
import os
import signal
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from calloff.db import postmaster
from calloff.db.embedded import DataDirInUse, EmbeddedServer
from calloff.db.unprivileged import Account, let_traverse
from calloff.domain.errors import NotConfigured
from tests.support.owner import owner
from tests.support.servers import NOT_DURABLE, execute

ANYBODY = 65534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")


@pytest.fixture
async def server(data_dir: Path) -> AsyncIterator[EmbeddedServer]:
    """A server that does not run yet, and is stopped after the test."""
    server = EmbeddedServer(data_dir / "data", settings=NOT_DURABLE)
    yield server
    await server.stop()


@pytest.fixture
def other_users_directory(data_dir: Path) -> tuple[Path, int]:
    """A directory that belongs to an ordinary user, and that user's number."""
    os.chown(data_dir, ANYBODY, ANYBODY)
    return data_dir, ANYBODY


def keep(url: str, value: int) -> None:
    execute(url, "CREATE TABLE IF NOT EXISTS kept (value integer)")
    execute(url, f"INSERT INTO kept VALUES ({value})")


def kept(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept ORDER BY value")]


def main_process(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])


async def test_it_keeps_its_data_and_its_address_through_stops_and_starts(server: EmbeddedServer) -> None:
    await server.start()
    await server.start()
    address = server.conninfo
    keep(address, 1)
    await server.stop()
    await server.stop()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(address)
    await server.start()
    assert server.conninfo == address
    assert kept(address) == [1]


async def test_it_is_durable_private_and_out_of_reach_of_our_terminal(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir / "data")
    await server.start()
    try:
        with psycopg.connect(server.conninfo) as connection:
            settings: dict[str, str] = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
            assert {name: settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {
                "fsync": "on",
                "synchronous_commit": "on",
                "full_page_writes": "on",
            }
            assert settings["listen_addresses"] == ""
            assert settings["server_encoding"] == "UTF8"
            assert int(settings["max_connections"]) >= 200
            socket_directory = Path(settings["unix_socket_directories"])
        assert stat.S_IMODE(socket_directory.stat().st_mode) == 0o700
        assert stat.S_IMODE((data_dir / "data" / "postgres").stat().st_mode) == 0o700
        assert os.getsid(main_process(data_dir / "data")) != os.getsid(0)
    finally:
        await server.stop()


async def test_no_number_reaches_its_log(server: EmbeddedServer) -> None:
    await server.start()
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE number (value text PRIMARY KEY, short integer)")
        for statement in (
            "INSERT INTO number (value) VALUES ('6175550123'), ('6175550123')",
            "INSERT INTO number VALUES ('x', '6175550123 is no integer')",
            "SELECT 6175550123 FROM nowhere",
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(statement.encode())
    await server.stop()
    log = server.log_path.read_text()
    assert "ready to accept connections" in log
    assert "6175550123" not in log


async def test_a_second_one_on_the_same_directory_says_so_and_disturbs_nothing(server: EmbeddedServer) -> None:
    await server.start()
    with pytest.raises(DataDirInUse, match=str(server.data_dir)):
        await EmbeddedServer(server.data_dir).start()
    async with owner(server.data_dir) as (_, line):
        assert line.startswith("refused Another Calloff")
        assert f"process {os.getpid()}" in line
    keep(server.conninfo, 1)
    assert kept(server.conninfo) == [1]


async def test_after_its_main_process_was_killed_it_is_noticed_and_starts_again(server: EmbeddedServer) -> None:
    await server.start()
    keep(server.conninfo, 1)
    busy = psycopg.connect(server.conninfo)
    os.kill(main_process(server.data_dir), signal.SIGKILL)
    await asyncio.wait_for(server.wait(), 10)
    await server.start()
    busy.close()
    assert kept(server.conninfo) == [1]


async def test_after_its_owner_was_killed_the_orphan_is_shut_down_and_replaced(data_dir: Path) -> None:
    async with owner(data_dir) as (process, address):
        keep(address, 1)
        process.kill()
        await process.wait()
    orphan = main_process(data_dir)
    keep(address, 2)
    server = EmbeddedServer(data_dir, settings=NOT_DURABLE)
    await server.start()
    try:
        assert main_process(data_dir) != orphan
        assert "was shut down at" in server.log_path.read_text(), "the orphan was not shut down cleanly"
        assert kept(server.conninfo) == [1, 2]
    finally:
        await server.stop()


async def test_after_everything_was_killed_it_recovers(data_dir: Path) -> None:
    async with owner(data_dir) as (process, address):
        keep(address, 1)
        process.kill()
        for pid in postmaster._running_on(data_dir / "postgres"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await process.wait()
    # The number of a dead main process may belong to another process by now.
    pid_file = data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text("\n".join([str(os.getpid()), *pid_file.read_text().splitlines()[1:]]))
    server = EmbeddedServer(data_dir, settings=NOT_DURABLE)
    await server.start()
    try:
        assert kept(server.conninfo) == [1]
        assert "automatic recovery in progress" in server.log_path.read_text()
    finally:
        await server.stop()


async def test_it_waits_as_long_as_the_server_needs_and_reports_it(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen: list[subprocess.Popen[bytes]] = []
    reported = asyncio.Event()
    spawn = postmaster.Launcher.spawn

    def spawn_frozen(*arguments: object) -> "subprocess.Popen[bytes]":
        process = spawn(*arguments)  # type: ignore[arg-type]
        process.send_signal(signal.SIGSTOP)
        frozen.append(process)
        return process

    class Reports(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "so far" in record.getMessage():
                reported.set()

    handler = Reports()
    monkeypatch.setattr(postmaster.Launcher, "spawn", spawn_frozen)
    monkeypatch.setattr(postmaster, "_REPORT_SECONDS", 0.05)
    monkeypatch.setattr(postmaster.logger, "level", logging.INFO)
    postmaster.logger.addHandler(handler)
    try:
        starting = asyncio.create_task(server.start())
        await asyncio.wait_for(reported.wait(), 20)
        assert not starting.done()
        frozen[0].send_signal(signal.SIGCONT)
        await starting
    finally:
        postmaster.logger.removeHandler(handler)
    keep(server.conninfo, 1)


async def test_a_start_that_is_canceled_leaves_nothing_behind(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = asyncio.Event()

    async def never_ready(*_: object) -> None:
        waiting.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr("calloff.db.embedded.wait_until_ready", never_ready)
        starting = asyncio.create_task(server.start())
        await waiting.wait()
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
    assert postmaster._running_on(server.data_dir / "postgres") == set()
    other = EmbeddedServer(server.data_dir, settings=NOT_DURABLE)
    await other.start()
    await other.stop()


async def test_a_stop_that_comes_before_the_server_listens_to_signals_is_asked_for_again(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script's `&` makes us ignore SIGINT, and PostgreSQL too until it has a handler: the first one is lost."""
    inherited = signal.signal(signal.SIGINT, signal.SIG_IGN)
    spawn = postmaster.Launcher.spawn

    def spawn_and_lose_a_signal(*arguments: object) -> "subprocess.Popen[bytes]":
        process = spawn(*arguments)  # type: ignore[arg-type]
        process.send_signal(signal.SIGSTOP)
        asyncio.get_running_loop().call_later(0.5, process.send_signal, signal.SIGCONT)
        return process

    async def never_ready(*_: object) -> None:
        raise NotConfigured("It never became ready.")

    monkeypatch.setattr(postmaster.Launcher, "spawn", spawn_and_lose_a_signal)
    monkeypatch.setattr("calloff.db.embedded.wait_until_ready", never_ready)
    try:
        with pytest.raises(NotConfigured):
            await server.start()
        assert postmaster._running_on(server.data_dir / "postgres") == set()
    finally:
        signal.signal(signal.SIGINT, inherited)


async def test_a_long_path_moves_the_socket_to_a_short_private_directory(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir / ("long" * 30) / ("longer" * 30), settings=NOT_DURABLE)
    await server.start()
    keep(server.conninfo, 1)
    with psycopg.connect(server.conninfo) as connection:
        directory = Path(connection.info.host)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    await server.stop()
    assert not directory.exists()
    await server.start()
    try:
        assert kept(server.conninfo) == [1]
    finally:
        await server.stop()


async def test_a_cluster_of_another_version_is_refused_with_a_way_out(server: EmbeddedServer) -> None:
    cluster = server.data_dir / "postgres"
    await server.start()
    await server.stop()
    (cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(NotConfigured, match=r"is of PostgreSQL 16, but this Calloff brings 18; dump it"):
        await server.start()


async def test_a_setting_that_the_server_refuses_is_told_with_its_own_words(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, settings={"shared_buffers": "a lot"})
    with pytest.raises(NotConfigured, match=r"invalid value for parameter \"shared_buffers\""):
        await server.start()


async def test_half_a_cluster_that_a_crash_left_is_made_anew(server: EmbeddedServer) -> None:
    unfinished = server.data_dir / "postgres.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    await server.start()
    keep(server.conninfo, 1)
    assert not unfinished.exists()


@as_root
async def test_as_root_only_the_traverse_bit_of_closed_directories_is_set(
    data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = data_dir / "home"
    home.mkdir(mode=0o700)
    server = EmbeddedServer(home / "data", settings=NOT_DURABLE)
    await server.start()
    try:
        assert stat.S_IMODE(home.stat().st_mode) == 0o701
        assert f"Set the traverse bit of {home}," in caplog.text
        assert stat.S_IMODE((home / "data").stat().st_mode) == 0o701
        assert Path("/proc", str(main_process(home / "data"))).stat().st_uid != 0
    finally:
        await server.stop()


@as_root
async def test_an_ordinary_user_runs_it_as_itself(other_users_directory: tuple[Path, int]) -> None:
    directory, uid = other_users_directory
    let_traverse(postmaster.programs(), Account(uid, uid))
    async with owner(directory / "data", uid) as (_, address):
        keep(address, 1)
        assert Path("/proc", str(main_process(directory / "data"))).stat().st_uid == uid
        assert stat.S_IMODE((directory / "data").stat().st_mode) == 0o700
    # Root takes over a cluster of somebody's as that somebody.
    server = EmbeddedServer(directory / "data", settings=NOT_DURABLE)
    await server.start()
    try:
        assert kept(server.conninfo) == [1]
        assert Path("/proc", str(main_process(directory / "data"))).stat().st_uid == uid
    finally:
        await server.stop()


@as_root
async def test_an_ordinary_user_is_told_whose_cluster_it_is(other_users_directory: tuple[Path, int]) -> None:
    directory, uid = other_users_directory
    server = EmbeddedServer(directory / "data", settings=NOT_DURABLE)
    await server.start()
    await server.stop()
    os.chown(directory / "data", uid, uid)
    os.chown(directory / "data" / "lock", uid, uid)
    async with owner(directory / "data", uid) as (_, line):
        assert "belongs to another user" in line
