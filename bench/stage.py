"""What every measurement needs: a durable server, an API process, calls in numbers, and a client that costs little."""

import asyncio
import base64
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import Request
from psycopg import sql
from psycopg.conninfo import make_conninfo
from starlette.responses import Response

from calloff.api.app import create_app
from calloff.api.connections import Connections
from calloff.api.http_protocol import HttpProtocol
from calloff.api.identifiers import enter
from calloff.api.server import Server
from calloff.console.app import mount_console
from calloff.db.embedded import EmbeddedServer
from calloff.db.migrate import migrate
from calloff.db.pool import Pool, open_connection, open_pool
from calloff.operations.queue import call_everything_off
from tests.support.sealing import TRUNK_KINDS
from tests.support.seed import Seed, seed

FULL = bool(os.environ.get("FULL"))


@dataclass(frozen=True, slots=True)
class Stage:
    """A fresh database with somebody who may call, and an API process on it."""

    url: str
    pool: Pool
    seed: Seed
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def path(self) -> str:
        """Of the deployment."""
        return f"/api/apps/{self.seed.application_id}/{self.seed.deployment_id}"

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A whole request with credentials."""
        credentials = base64.b64encode(f"{self.seed.email}:{self.seed.developer_key}".encode()).decode()
        kind = "Content-Type: application/x-www-form-urlencoded\r\n" if body else ""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {credentials}\r\n{kind}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def fill(self, calls: int) -> None:
        """Queue so many calls, and let the server tidy up after it."""
        async with await open_connection(self.url) as connection:
            await connection.execute(
                "INSERT INTO call (deployment_id, epoch, phone_number) "
                "SELECT deployment_id, epoch, (6170000000 + n)::text FROM queue, generate_series(1, %s) AS n "
                "WHERE deployment_id = %s",
                (calls, self.seed.deployment_id),
            )
            await connection.execute("VACUUM ANALYZE call")
            await connection.execute("CHECKPOINT")

    async def uncancel(self) -> None:
        """Make pending again what was called off, so that every cancel meets the same depth."""
        async with self.pool.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(queue_lock_key(%s))", (self.seed.deployment_id,))
            await connection.execute("DELETE FROM cancellation")
            await connection.execute("UPDATE queue SET epoch = 0")


class Client:
    """One keep-alive connection; the answers are only looked at for their status."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Client":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        self._writer.close()

    async def ask(self, request: bytes) -> float:
        """Send `request`, read the answer, and return the seconds that it took. Raises unless it is a 2xx."""
        started = time.perf_counter()
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(head.decode())
        return time.perf_counter() - started


async def many(port: int, request: bytes, *, seconds: float, connections: int = 16) -> tuple[float, list[float]]:
    """Requests a second over so many connections, and what each took."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        async with Client(port) as client:
            while time.perf_counter() < until:
                took.append(await client.ask(request))

    await asyncio.gather(*(one() for _ in range(connections)))
    return len(took) / seconds, took


@contextlib.asynccontextmanager
async def server() -> AsyncIterator[EmbeddedServer]:
    """A PostgreSQL that loses nothing: the same settings as `calloff serve`."""
    with tempfile.TemporaryDirectory(prefix="calloff-bench-") as directory:
        running = EmbeddedServer(Path(directory))
        await running.start()
        try:
            yield running
        finally:
            await running.stop()


@contextlib.asynccontextmanager
async def stage(running: EmbeddedServer) -> AsyncIterator[Stage]:
    """A stage of its own on the server, taken down at the end."""
    name = f"bench_{time.monotonic_ns()}"
    async with await open_connection(running.conninfo) as connection:
        await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = make_conninfo(running.conninfo, dbname=name)
    await migrate(url)
    pool = await open_pool(url, min_size=2, max_size=8)
    made = await seed(pool)
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.stage", url, str(listener.fileno())], pass_fds=[listener.fileno()]
        )
        try:
            yield Stage(url, pool, made, listener.getsockname()[1], process)
        finally:
            process.kill()
            process.wait()
            await pool.close()
    async with await open_connection(running.conninfo) as connection:
        await connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def _serve(url: str, listener: int) -> None:
    pool = await open_pool(url, min_size=2, max_size=16)
    app = create_app(pool, url)
    mount_console(app, pool, url, trunk_kinds=TRUNK_KINDS)

    @app.post("/api/apps/{application_id}/{deployment_id}/nothing")
    async def nothing(request: Request) -> Response:
        await enter(request, call_everything_off)
        return Response(status_code=202)

    config = uvicorn.Config(app, http=HttpProtocol, lifespan="off", log_level="error")
    await Server(config, Connections(1024)).serve([socket.socket(fileno=listener)])


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2])))
