"""Everything that a run needs: PostgreSQL, the processes of Calloff, the far end, and a sink for callbacks."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
from psycopg.rows import dict_row

from calloff.db.embedded import EmbeddedServer
from calloff.db.migrate import migrate
from calloff.db.pool import open_pool
from tests.faults.far_end import read_log
from tests.faults.history import Delivery, Ended, History
from tests.support.seed import Seed, seed
from tests.support.serving import command, environment
from tests.support.sink import Sink, sink
from tests.support.uploading import publish_document

ROOT = Path(__file__).parents[2]
RING_TIMEOUT = 2.0
_SILENCE = b"""<vxml version="2.1"><form><block><prompt><break time="30s"/></prompt></block></form></vxml>"""
"""Seconds: short, so that attempts are given up while their INVITEs would still be repeated."""
_SETTLED_SECONDS = 120


@dataclass(slots=True)
class Program:
    """A process of Calloff, which is started again whenever it has ended."""

    name: str
    arguments: list[str]
    env: dict[str, str]
    log: Path
    inherits: list[int] = field(default_factory=list)
    process: "subprocess.Popen[bytes] | None" = None

    def run(self) -> None:
        """Start it if it does not run."""
        if self.process is None or self.process.poll() is not None:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    command(*self.arguments),
                    env=self.env,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=self.inherits,
                )

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


@dataclass(slots=True)
class World:
    """A running Calloff with two deployments on one trunk: `off` is called off again and again, `on` never is."""

    server: EmbeddedServer
    programs: dict[str, Program]
    off: Seed
    on: Seed
    url: str
    sink: Sink
    wire_log: Path
    history: History = field(default_factory=History)
    is_closing: bool = False

    def client(self, owner: Seed) -> httpx.AsyncClient:
        """A client of the API."""
        return httpx.AsyncClient(
            base_url=self.url, auth=(owner.email, owner.developer_key), trust_env=False, timeout=httpx.Timeout(15)
        )

    async def keep_running(self) -> None:
        """Start again what has ended, the database included, until canceled."""
        while not self.is_closing:
            for program in self.programs.values():
                program.run()
            with contextlib.suppress(Exception):
                await self.server.start()
            await asyncio.sleep(0.1)

    async def settle(self) -> None:
        """Wait until every accepted call is over and its callback has come; gives up after a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLED_SECONDS):
                while not await self._is_settled():
                    await asyncio.sleep(0.5)

    async def _is_settled(self) -> bool:
        with contextlib.suppress(psycopg.Error):
            rows = await self._rows("SELECT count(*) AS open FROM call WHERE ended_at IS NULL")
            came = {self._delivery(request.body, request.headers).call_id for request in self.sink.requests}
            return rows[0]["open"] == 0 and all(call.call_id in came for call in self.history.accepted)
        return False

    async def close_history(self) -> History:
        """The history, with what wire, database and sink have to say."""
        history = self.history
        history.invites = read_log(self.wire_log)
        history.deliveries = [self._delivery(request.body, request.headers) for request in self.sink.requests]
        for row in await self._rows("SELECT id, state, attempts, events FROM call"):
            events = tuple((event["event"], float(event["timestamp"])) for event in row["events"])
            history.ended[row["id"]] = Ended(row["id"], row["state"], row["attempts"], events)
        moments = "SELECT deployment_id, extract(epoch FROM canceled_at)::float8 AS at FROM cancellation"
        history.cancellations = [(row["deployment_id"], row["at"]) for row in await self._rows(moments)]
        return history

    def _delivery(self, body: bytes, headers: dict[str, str]) -> Delivery:
        return Delivery(int(json.loads(body)["call_id"]), headers["webhook-id"])

    async def _rows(self, query: LiteralString) -> list[dict[str, Any]]:
        connection = await psycopg.AsyncConnection.connect(self.server.conninfo, autocommit=True, row_factory=dict_row)
        async with connection:
            return await (await connection.execute(query)).fetchall()


@asynccontextmanager
async def world(directory: Path, *, seed_number: int, loss: float, dialers: int) -> AsyncIterator[World]:
    """Bring everything up in `directory`, and end all of it."""
    server = EmbeddedServer(directory / "data")
    await server.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        await migrate(server.conninfo)
        far_end, wire_log = await _far_end(stack, directory, seed_number, loss)
        sunk = await stack.enter_async_context(sink())
        off, on = await _seed(server.conninfo, far_end)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024))
        programs = _programs(server.conninfo, directory, listener, dialers)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        here = World(server, programs, off, on, url, sunk, wire_log)
        keeping = asyncio.create_task(here.keep_running())
        try:
            await _until_ready(url)
            yield here
        finally:
            here.is_closing = True
            await asyncio.gather(keeping, return_exceptions=True)
            for program in programs.values():
                program.send(signal.SIGCONT)
                program.send(signal.SIGKILL)
                if program.process is not None:
                    program.process.wait()


def _programs(conninfo: str, directory: Path, listener: socket.socket, dialers: int) -> dict[str, Program]:
    settings = environment(
        database_url=conninfo,
        data_dir=str(directory / "calloff"),
        secret_key=_fernet_key(),
        allow_networks="127.0.0.0/8",
        sip_address="127.0.0.1",
        sip_port="0",
        drain_timeout="1",
        log_level="warning",
    )

    def program(name: str, *arguments: str, inherits: list[int] | None = None) -> Program:
        return Program(name, list(arguments), settings, directory / f"{name}.log", inherits or [])

    api = program("api", "api", f"--listen-fd={listener.fileno()}", inherits=[listener.fileno()])
    return {
        each.name: each
        for each in (api, program("webhooks", "webhooks"), *(program(f"dialer{n}", "dialer") for n in range(dialers)))
    }


def _fernet_key() -> str:
    import base64

    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


async def _far_end(stack: contextlib.AsyncExitStack, directory: Path, seed: int, loss: float) -> tuple[int, Path]:
    log = directory / "wire.log"
    log.touch()
    sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
    sock.bind(("127.0.0.1", 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.faults.far_end", str(sock.fileno()), str(log), str(seed), str(loss)),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        pass_fds=[sock.fileno()],
    )
    stack.callback(process.kill)
    return int(sock.getsockname()[1]), log


async def _seed(conninfo: str, far_end: int) -> tuple[Seed, Seed]:
    pool = await open_pool(conninfo, min_size=1, max_size=2)
    try:
        off, on = await seed(pool), await seed(pool)
        async with pool.connection() as connection:
            await connection.execute(
                "INSERT INTO trunk (name, kind, settings) VALUES ('carrier', 'sip', %s)",
                (json.dumps({"uri": f"sip:127.0.0.1:{far_end}", "user": "calloff"}),),
            )
            await connection.execute(
                "UPDATE deployment SET ring_timeout = %s, trunk_id = (SELECT id FROM trunk WHERE name = 'carrier')",
                (RING_TIMEOUT,),
            )
        for seeded in (off, on):
            await publish_document(pool, seeded.deployment_id, "silence", _SILENCE)
        return off, on
    finally:
        await pool.close()


async def _until_ready(url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(f"{url}/readyz")).is_success:
                    return
            await asyncio.sleep(0.1)
