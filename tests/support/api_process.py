"""The API as a process of its own, so that it can be killed and its memory read."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from calloff.api.app import create_app
from calloff.api.connections import Connections
from calloff.api.http_protocol import HttpProtocol
from calloff.api.server import Server
from calloff.db.pool import open_pool
from calloff.domain import patience
from calloff.lists import upload_slots


@dataclass(frozen=True, slots=True)
class ApiProcess:
    """A running API: where it answers, and its process."""

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    def memory(self) -> int:
        """Bytes that it holds now."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def api_process(database_url: str, **constants: float) -> Iterator[ApiProcess]:
    """An API on this database, listening already; killed at the end.

    `constants` are those of `domain/patience.py` and `lists/upload_slots.py`, to wait less long.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.support.api_process",
                database_url,
                str(listener.fileno()),
                json.dumps(constants),
            ],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
        )
        try:
            yield ApiProcess(listener.getsockname()[1], process)
        finally:
            process.kill()
            process.wait()


async def _serve(database_url: str, listener: int) -> None:
    pool = await open_pool(database_url, min_size=2, max_size=16)
    config = uvicorn.Config(create_app(pool, database_url), http=HttpProtocol, lifespan="off", log_level="warning")
    with contextlib.closing(socket.socket(fileno=listener)) as listening:
        await Server(config, Connections(1024)).serve([listening])


if __name__ == "__main__":
    for name, value in json.loads(sys.argv[3]).items():
        [module] = [each for each in (patience, upload_slots) if name in vars(each)]
        setattr(module, name, value)
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2])))
