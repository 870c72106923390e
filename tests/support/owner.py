"""A process that owns an embedded server, for tests that kill it: `python -m tests.support.owner DATA_DIR [UID]`.

Becomes the user UID if one is named, starts the server, prints its address, and stops it once its input ends. A
`NotConfigured` is printed after the word `refused`.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psycopg

from calloff.db.embedded import EmbeddedServer
from calloff.domain.errors import NotConfigured
from tests.support.servers import NOT_DURABLE

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def owner(data_dir: Path, uid: int | None = None) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run this module; gives the process and the line that it printed. The process is ended with the context."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.owner", str(data_dir), *([] if uid is None else [str(uid)])),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        await process.wait()


async def _main(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir, settings=NOT_DURABLE)
    try:
        await server.start()
    except NotConfigured as error:
        print(f"refused {error.message}", flush=True)
        return
    print(server.conninfo, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()


async def _import_all() -> None:
    """What Python imports only when needed; the other user may not be allowed to read it."""
    with suppress(psycopg.OperationalError):
        await psycopg.AsyncConnection.connect("host=/nonexistent")
    await asyncio.to_thread(bytes)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run(_import_all())
        os.setgroups([])
        os.setgid(int(sys.argv[2]))
        os.setuid(int(sys.argv[2]))
    asyncio.run(_main(Path(sys.argv[1])))
