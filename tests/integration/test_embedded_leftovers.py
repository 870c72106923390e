"""What is left of a server whose main process was killed must not keep the next one from starting."""

import contextlib
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from calloff.db.embedded import EmbeddedServer
from tests.support.servers import NOT_DURABLE


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    """A running server."""
    server = EmbeddedServer(tmp_path / "data", settings=NOT_DURABLE)
    await server.start()
    yield server
    await server.stop()


async def test_a_worker_that_hangs_while_the_main_process_dies_is_ended(server: EmbeddedServer) -> None:
    async with await psycopg.AsyncConnection.connect(server.conninfo) as connection:
        worker = connection.info.backend_pid
        os.kill(worker, signal.SIGSTOP)
        try:
            os.kill(main_process(server), signal.SIGKILL)
            await server.wait()
            await server.start()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)
        with pytest.raises(psycopg.OperationalError):
            await connection.execute("SELECT 1")
    assert await answers(server)


async def test_the_number_of_a_dead_server_may_belong_to_another_process(server: EmbeddedServer) -> None:
    os.kill(main_process(server), signal.SIGKILL)
    await server.wait()
    file = server.cluster / "postmaster.pid"
    user = None if os.geteuid() != 0 else server.cluster.stat().st_uid
    with subprocess.Popen(["sleep", "600"], user=user, cwd="/") as stranger:
        try:
            file.write_text("\n".join([str(stranger.pid), *file.read_text().splitlines()[1:]]) + "\n")
            await server.start()
            assert stranger.poll() is None
        finally:
            stranger.kill()
    assert await answers(server)


def main_process(server: EmbeddedServer) -> int:
    return int((server.cluster / "postmaster.pid").read_text().splitlines()[0])


async def answers(server: EmbeddedServer) -> bool:
    async with await psycopg.AsyncConnection.connect(server.conninfo) as connection:
        return await (await connection.execute("SELECT 1")).fetchone() == (1,)
