"""`bulk_queue` over HTTP, on a process of its own."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from calloff.db.pool import Pool
from calloff.domain.patience import MAX_LIST
from tests.integration.lists.conftest import Caller
from tests.support.api_process import ApiProcess, api_process

_MIB = 1024**2
_BOUNDARY = b"--b\r\n"
_HEAD = _BOUNDARY + b'Content-Disposition: form-data; name="csv"; filename="l.csv"\r\n\r\n'


async def _count(pool: Pool) -> int:
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT count(*) AS calls FROM call")).fetchone()
    assert row is not None
    return int(row["calls"])


async def _until_no_upload_is_connected(pool: Pool) -> None:
    """Wait until every temporary table, and with it every upload's connection, is gone."""
    async with asyncio.timeout(20), pool.connection() as connection:
        while True:
            cursor = await connection.execute(
                "SELECT FROM pg_class WHERE relname = 'upload' AND relpersistence = 't' AND relkind = 'r'"
            )
            if await cursor.fetchone() is None:
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _raw(
    api: ApiProcess, caller: Caller, *headers: str
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which the head of an upload was sent."""
    connection = socket.socket()
    # What a system's buffers can hold would hide how slowly a client reads.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", api.port))
    reader, writer = await asyncio.open_connection(sock=connection)
    lines = (
        f"POST {caller.path} HTTP/1.1",
        "Host: localhost",
        f"Authorization: {caller.authorization}",
        "Content-Type: multipart/form-data; boundary=b",
        *headers,
    )
    writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode())
    try:
        yield reader, writer
    finally:
        writer.close()


@asynccontextmanager
async def _half_sent(api: ApiProcess, caller: Caller, key: str = "k") -> AsyncIterator[asyncio.StreamReader]:
    """An upload of which 20,000 rows were sent, and not the end."""
    body = _HEAD + b"destination\n" + b"".join(b"%d\n" % (6175550000 + n) for n in range(20_000))
    headers = (f"Idempotency-Key: {key}", f"Content-Length: {len(body) + 1000}")
    async with _raw(api, caller, *headers) as (reader, writer):
        writer.write(body)
        await writer.drain()
        yield reader


async def _until_the_key_is_held(caller: Caller, pool: Pool) -> None:
    """Wait for the half-sent upload's lock, and see that it keeps others out."""
    async with asyncio.timeout(20), pool.connection() as connection:
        while (
            await (
                await connection.execute(
                    "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted "
                    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            ).fetchone()
            is None
        ):
            await asyncio.sleep(0.02)
    assert (await caller.upload(b"destination\n6175551234\n", "k")).status_code == 409


async def test_rows_become_calls_in_their_order(caller: Caller, pool: Pool) -> None:
    answer = await caller.upload(
        b"destination,name\n6175551234,Ann\nnonsense,Bob\n\n6175551235;ani=8009957586,\n", variables='{"place": "Rome"}'
    )
    assert answer.status_code == 200
    body = answer.json()
    ids = body.pop("call_ids")
    assert body == {
        "queued": 2,
        "rejected": 1,
        "list_id": body["list_id"],
        "errors": [{"line": 3, "value": "nonsense", "error": body["errors"][0]["error"]}],
    }
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT id, phone_number, ani, variables FROM call ORDER BY id")
        calls = [tuple(row.values()) for row in await cursor.fetchall()]
    assert calls == [
        (int(ids[0]), "6175551234", None, {"name": "Ann", "place": "Rome"}),
        (int(ids[1]), "6175551235", "8009957586", {"name": "", "place": "Rome"}),
    ]


async def test_a_list_without_a_valid_row_is_refused(caller: Caller, pool: Pool) -> None:
    answer = await caller.upload(b"destination\nx\ny\n")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("The list has no row that can be called. Line 2: ")
    assert await _count(pool) == 0


async def test_two_hundred_thousand_bad_rows_are_all_told(caller: Caller, pool: Pool) -> None:
    answer = await caller.upload(b"destination\n6175551234\n" + b"x\n" * 200_000)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["queued"], body["rejected"], len(body["errors"])) == (1, 200_000, 200_000)
    assert [error["line"] for error in body["errors"][:2]] == [3, 4]
    assert await _count(pool) == 1


async def test_a_repeat_tells_the_same_errors(caller: Caller, pool: Pool) -> None:
    csv = b"destination\n6175551234\n" + b"x\n" * 2_000
    first = await caller.upload(csv, "bad")
    assert len(first.json()["errors"]) == 2_000
    assert (await caller.upload(csv, "bad")).json() == first.json()
    assert await _count(pool) == 1


async def test_fifty_equal_requests_queue_once(caller: Caller, pool: Pool) -> None:
    csv = b"destination\n" + b"".join(b"%d\n" % (6175550000 + n) for n in range(100))
    answers = await asyncio.gather(*(caller.upload(csv, "same") for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    accepted = [answer.json() for answer in answers if answer.status_code == 200]
    assert accepted
    assert all(body == accepted[0] for body in accepted)
    assert len(accepted[0]["call_ids"]) == 100
    assert await _count(pool) == 100
    assert (await caller.upload(csv, "same")).json() == accepted[0]
    assert (await caller.upload(csv + b"6175551234\n", "same")).status_code == 422


async def _audited(pool: Pool) -> list[str]:
    async with pool.connection() as connection:
        return [row["action"] for row in await (await connection.execute("SELECT action FROM audit_log")).fetchall()]


async def test_a_client_that_goes_away_leaves_nothing(api: ApiProcess, caller: Caller, pool: Pool) -> None:
    async with _half_sent(api, caller):
        await _until_the_key_is_held(caller, pool)
    await _until_no_upload_is_connected(pool)
    assert await _count(pool) == 0
    assert (await caller.upload(b"destination\n6175551234\n", "k")).status_code == 200


async def test_a_killed_api_leaves_nothing(api: ApiProcess, caller: Caller, pool: Pool, database_url: str) -> None:
    async with _half_sent(api, caller):
        await _until_the_key_is_held(caller, pool)
        api.process.kill()
        await _until_no_upload_is_connected(pool)
    assert await _count(pool) == 0
    with api_process(database_url) as second:
        caller.client.base_url = second.url
        assert (await caller.upload(b"destination\n6175551234\n", "k")).status_code == 200


async def test_a_client_that_stops_sending_is_given_up(caller: Caller, pool: Pool, database_url: str) -> None:
    with api_process(database_url, STALL_SECONDS=3) as impatient:
        async with _half_sent(impatient, caller) as reader, asyncio.timeout(20):
            assert b" 408 " in await reader.readline()
        await _until_no_upload_is_connected(pool)
    assert await _count(pool) == 0
    assert (await caller.upload(b"destination\n6175551234\n", "k")).status_code == 200


async def test_a_client_that_takes_in_no_answer_keeps_nothing(caller: Caller, pool: Pool, database_url: str) -> None:
    # An answer of many megabytes; a reader that nobody asks takes in no more than its small buffer.
    body = _HEAD + b"destination\n6175551234\n" + b"x\n" * 100_000 + b"\r\n--b--\r\n"
    with api_process(database_url, STALL_SECONDS=3) as impatient:
        async with _raw(impatient, caller, f"Content-Length: {len(body)}") as (reader, writer):
            writer.write(body)
            await writer.drain()
            async with asyncio.timeout(20):
                while await _count(pool) == 0:
                    await asyncio.sleep(0.05)
            await _until_no_upload_is_connected(pool)
            answer = await asyncio.wait_for(reader.read(), 20)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert not answer.endswith(b"0\r\n\r\n"), "what was cut off does not look whole"
    assert await _audited(pool) == ["queue a list of 1 calls"]


async def test_a_client_that_takes_in_the_answer_drop_by_drop_is_given_up(
    caller: Caller, pool: Pool, database_url: str
) -> None:
    body = _HEAD + b"destination\n6175551234\n" + b"x\n" * 100_000 + b"\r\n--b--\r\n"
    with api_process(database_url, BEGINNING_SECONDS=3, SLOWEST=10**9) as impatient:
        async with _raw(impatient, caller, f"Content-Length: {len(body)}") as (reader, writer):
            writer.write(body)
            await writer.drain()
            answer = b""
            async with asyncio.timeout(60):
                while piece := await reader.read(32 * 1024):
                    answer += piece
                    await asyncio.sleep(0.05)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert not answer.endswith(b"0\r\n\r\n"), "what was cut off does not look whole"


async def test_idle_uploads_hold_neither_transactions_nor_all_connections(
    api: ApiProcess, caller: Caller, pool: Pool
) -> None:
    async with _half_sent(api, caller):
        await _until_the_key_is_held(caller, pool)
        async with pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT count(*) AS open FROM pg_stat_activity WHERE datname = current_database() "
                "AND pid <> pg_backend_pid() AND xact_start < now() - interval '100 ms' AND state <> 'active'"
            )
            row = await cursor.fetchone()
    assert row == {"open": 0}


async def _list(mebibytes: int, columns: int, cell: bytes) -> AsyncIterator[bytes]:
    yield _HEAD + b"destination" + b"".join(b",c%d" % n for n in range(columns)) + b"\n"
    block = b"".join(b"%d%s\n" % (6175550000 + n, columns * (b"," + cell)) for n in range(8))
    for _ in range(mebibytes * _MIB // len(block)):
        yield block
    yield b"\r\n--b--\r\n"


@asynccontextmanager
async def _flat_memory(api: ApiProcess, caller: Caller) -> AsyncIterator[None]:
    """Meanwhile the process takes up hardly more than after a first list."""
    assert (await caller.upload(b"destination\n6175551234\n")).status_code == 200
    before, most, done = api.memory(), 0, asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, api.memory())
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        done.set()
        await watching
    assert most - before < 40 * _MIB


@pytest.mark.parametrize(
    ("mebibytes", "columns", "cell"),
    [
        pytest.param(MAX_LIST // _MIB - 1, 1, b"x" * 16_000, id="few and long rows"),
        pytest.param(20, 99, b"", id="many empty cells"),
        pytest.param(30, 99, b"ab", id="many small cells"),
    ],
)
async def test_memory_stays_flat(api: ApiProcess, caller: Caller, mebibytes: int, columns: int, cell: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with _flat_memory(api, caller):
        body = _list(mebibytes, columns, cell)
        assert (await caller.client.post(caller.path, content=body, headers=headers)).status_code == 200


async def test_memory_stays_flat_when_a_list_is_too_large(api: ApiProcess, caller: Caller) -> None:
    async with (
        _flat_memory(api, caller),
        _raw(api, caller, "Transfer-Encoding: chunked") as (reader, writer),
    ):
        status = asyncio.create_task(reader.readline())
        head = _HEAD + b"destination\n"
        writer.write(b"%x\r\n%s\r\n" % (len(head), head))
        sent = 0
        while not status.done() and sent < 1024 * _MIB:
            writer.write(b"40000\r\n%s\r\n" % (b"x" * 0x40000))
            await writer.drain()
            await asyncio.sleep(0)
            sent += 0x40000
        assert b" 413 " in await asyncio.wait_for(status, 20)
        assert MAX_LIST <= sent < 1024 * _MIB, "refused when the limit was reached, before its gigabyte was sent"


async def test_what_is_announced_too_large_is_refused_unread(api: ApiProcess, caller: Caller) -> None:
    async with _raw(api, caller, "Content-Length: 1000000000") as (reader, _), asyncio.timeout(10):
        assert b" 413 " in await reader.readline()
