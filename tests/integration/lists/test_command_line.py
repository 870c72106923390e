"""`calloff bulk` and `calloff export`, as their users run them."""

import asyncio
import contextlib
import csv
import io
import json
import os
import pty
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from calloff.db.background import end_tasks
from tests.integration.lists.conftest import Caller
from tests.support.api_process import ApiProcess
from tests.support.serving import command, environment


async def test_a_list_goes_up_and_comes_out(api: ApiProcess, caller: Caller, database_url: str, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("destination,name\n+16175551234,=Ann\nnobody,Bob\n+16175551235,Cy\n")
    deployment = str(caller.seed.deployment_id)
    settings = environment(
        url=api.url,
        email=caller.seed.email,
        key=caller.seed.developer_key,
        database_url=database_url,
        data_dir=str(tmp_path),
    )

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(command(*arguments), env=settings, capture_output=True, text=True, check=False)

    upload = ("bulk", str(listed), "--app", str(caller.seed.application_id), "--deployment", deployment)
    first = run(*upload, "--idempotency-key", "k", "--json")
    assert first.returncode == 0, first.stderr
    answer = json.loads(first.stdout)
    assert (answer["queued"], answer["rejected"], answer["errors"][0]["line"]) == (2, 1, 3)

    repeated = run(*upload, "--idempotency-key", "k")
    assert repeated.stdout.splitlines()[0] == "2 calls are queued as list 1, 1 rows were rejected."
    assert repeated.stdout.splitlines()[1].startswith("  line 3: ")

    listed.write_text("name\nAnn\n")
    refused = run(*upload)
    assert refused.returncode == 1
    assert "no destination column" in refused.stderr

    exported = run("export", "--deployment", deployment)
    assert exported.returncode == 0, exported.stderr
    rows = list(csv.DictReader(io.StringIO(exported.stdout, newline="")))
    assert [row["call_id"] for row in rows] == answer["call_ids"]
    assert [row["phone_number"] for row in rows] == ["'+16175551234", "'+16175551235"]
    assert json.loads(rows[0]["variables"]) == {"name": "=Ann"}

    lines = tmp_path / "calls.jsonl"
    assert run("export", "--format", "jsonl", "--status", "queued", "--output", str(lines)).returncode == 0
    assert [json.loads(line)["phone_number"] for line in lines.read_text().splitlines()] == [
        "+16175551234",
        "+16175551235",
    ]
    assert run("export", "--status", "canceled").stdout.count("\n") == 1


@asynccontextmanager
async def _held_after(api: ApiProcess, size: int) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The address of a way to the API that passes on `size` bytes, and the rest once the event is set."""
    let_go = asyncio.Event()
    passing: list[asyncio.Task[None]] = []

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, far = await asyncio.open_connection("127.0.0.1", api.port)
        closed.callback(writer.close)
        closed.callback(far.close)

        async def request() -> None:
            passed = 0
            while piece := await reader.read(65536):
                far.write(piece)
                await far.drain()
                passed += len(piece)
                if passed >= size:
                    await let_go.wait()

        passing.append(asyncio.create_task(request()))
        while piece := await answers.read(65536):
            writer.write(piece)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing.append(asyncio.create_task(pass_on(reader, writer)))

    with contextlib.ExitStack() as closed, socket.create_server(("127.0.0.1", 0)) as listener:
        # What the system keeps on its way looks sent.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        async with await asyncio.start_server(connected, sock=listener):
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}", let_go
            finally:
                await end_tasks(*passing)


class _Terminal:
    """A terminal that a command writes to, and what is on it."""

    def __init__(self) -> None:
        self._far, self.descriptor = pty.openpty()
        os.set_blocking(self._far, False)
        self.text = ""

    async def wait_for(self, pattern: str) -> "re.Match[str]":
        """What was written since, as soon as that is in it."""
        async with asyncio.timeout(30):
            while (found := re.search(pattern, self.read())) is None:
                await asyncio.sleep(0.02)
        return found

    def read(self) -> str:
        """Everything that was written."""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._far, 65536):
                self.text += re.sub("\x1b\\[[0-9;?]*[A-Za-z]", "", piece.decode(errors="replace"))
        return self.text

    def close(self) -> None:
        os.close(self._far)
        os.close(self.descriptor)


async def test_a_terminal_shows_how_much_of_a_list_is_sent(api: ApiProcess, caller: Caller, tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("destination,text\n" + "".join(f"617555{n:04},{'x' * 16_000}\n" for n in range(1250)))
    place = ("--app", str(caller.seed.application_id), "--deployment", str(caller.seed.deployment_id))
    settings = {"email": caller.seed.email, "key": caller.seed.developer_key, "data_dir": str(tmp_path)}
    with contextlib.closing(_Terminal()) as terminal:

        async def start(url: str, *more: str) -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                *command("bulk", str(listed), *place, *more),
                env={**environment(url=url, **settings), "TERM": "xterm"},
                stdout=asyncio.subprocess.PIPE,
                stderr=terminal.descriptor,
            )

        async with _held_after(api, 2_000_000) as (url, let_go):
            running = await start(url)
            await terminal.wait_for(r"Uploading\s.*\s([2-9]|1[0-9])\.[0-9]/20\.0 MB")
            assert "Queueing" not in terminal.text
            let_go.set()
            out, _ = await running.communicate()
        assert out.decode() == "1250 calls are queued as list 1, 0 rows were rejected.\n"
        assert re.search(r"Queueing\s.*\s20\.0/20\.0 MB", terminal.read())

        shown = terminal.text
        out, _ = await (await start(api.url, "--json")).communicate()
        assert json.loads(out)["queued"] == 1250
        assert terminal.read() == shown, "what a script reads has no bar"


@asynccontextmanager
async def _cut_off_at_the_answer(api: ApiProcess) -> AsyncIterator[str]:
    """The address of a way to the API on which no answer gets through: it breaks when the first byte comes back."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, far = await asyncio.open_connection("127.0.0.1", api.port)

        async def request() -> None:
            while piece := await reader.read(65536):
                far.write(piece)
                await far.drain()

        sending = asyncio.create_task(request())
        await answers.read(1)
        sending.cancel()
        writer.close()
        far.close()

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_upload_whose_answer_is_lost_names_the_key_that_queues_it_once(
    api: ApiProcess, caller: Caller, tmp_path: Path
) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text("destination\n+16175551234\n+16175551235\n")
    place = ("--app", str(caller.seed.application_id), "--deployment", str(caller.seed.deployment_id))

    async def run(url: str, *more: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            *command("bulk", str(listed), *place, "--variable", "name=Ann", "--pci", *more),
            env=environment(url=url, email=caller.seed.email, key=caller.seed.developer_key, data_dir=str(tmp_path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
        return process.returncode, out.decode(), errors.decode()

    async with _cut_off_at_the_answer(api) as url:
        code, out, errors = await run(url)
    assert (code, out) == (1, "")
    assert "is not known" in errors
    [key] = re.findall(r"--idempotency-key ([0-9a-f]{32})", errors)
    code, out, errors = await run(api.url, "--idempotency-key", key)
    assert code == 0, errors
    assert out.startswith("2 calls are queued as list ")
    calls = (await caller.client.get(caller.path.replace("bulk_queue", "calls"))).json()["calls"]
    assert [call["phone_number"] for call in calls] == ["+16175551235", "+16175551234"]
    assert "name=Ann" not in str(calls)
