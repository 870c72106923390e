"""`bulk_queue`, beside a bare COPY of the same rows into the same table."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx

from bench.report import Figure
from bench.stage import FULL, stage
from calloff.db.embedded import EmbeddedServer
from calloff.db.pool import open_connection

_ROWS = 1_000_000 if FULL else 200_000
_BLOCK = 5_000
_HEAD = b'--b\r\nContent-Disposition: form-data; name="csv"; filename="l.csv"\r\n\r\ndestination,name\n'


async def measure_bulk(running: EmbeddedServer) -> list[Figure]:
    """Time and memory."""
    async with stage(running) as staged:
        started = time.perf_counter()
        async with await open_connection(staged.url) as connection, connection.cursor() as cursor:
            statement = "COPY call (deployment_id, epoch, phone_number, variables) FROM STDIN"
            async with cursor.copy(statement) as copy:
                for first in range(0, _ROWS, _BLOCK):
                    rows = (
                        f'{staged.seed.deployment_id}\t0\t{6170000000 + n}\t{{"name": "Ann {n}"}}\n'
                        for n in range(first, first + _BLOCK)
                    )
                    await copy.write("".join(rows))
        bare = time.perf_counter() - started
    async with stage(running) as staged:
        auth = (staged.seed.email, staged.seed.developer_key)
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{staged.port}", auth=auth, timeout=900) as client:
            path = f"{staged.path}/bulk_queue"
            (await client.post(path, content=_body(_BLOCK, []), headers=headers)).raise_for_status()
            most = [before := _memory(staged.process.pid)]

            async def watched() -> AsyncIterator[bytes]:
                async for piece in _body(_ROWS, most, staged.process.pid):
                    yield piece

            started = time.perf_counter()
            async with client.stream("POST", path, content=watched(), headers=headers) as answer:
                answer.raise_for_status()
                most += [_memory(staged.process.pid) async for _ in answer.aiter_raw()]
            took = time.perf_counter() - started
    grown = (max(most) - before) / 1024**2
    return [
        Figure(
            f"bulk_queue of {_ROWS:,} rows",
            f"{took:.1f} s ({_ROWS / took:,.0f} rows/s)",
            f"bare COPY into the same table {bare:.1f} s",
            took / bare,
            "at most 3",
            took <= 3 * bare,
        ),
        Figure("memory of the API process meanwhile", f"+{grown:.0f} MiB", "", None, "flat (+32 MiB)", grown <= 32),
    ]


async def _body(rows: int, most: list[int], pid: int | None = None) -> AsyncIterator[bytes]:
    yield _HEAD
    for first in range(0, rows, _BLOCK):
        yield "".join(f"{6170000000 + n},Ann {n}\n" for n in range(first, first + _BLOCK)).encode()
        if pid is not None:
            most.append(_memory(pid))
    yield b"\r\n--b--\r\n"


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
