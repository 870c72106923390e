"""The export of the calls page: what the filter shows, whole and once, without holding on to anything."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI

from calloff.accounts.access import User
from calloff.accounts.sessions import begin_session
from calloff.calls.cancel import cancel_pending
from calloff.calls.submit import submit
from calloff.console.visitor import COOKIE
from calloff.db.pool import Pool, open_pool
from calloff.domain.calls import NewCall
from calloff.domain.csv_cells import unescape_cell
from calloff.domain.phone import parse_destination
from tests.integration.console.conftest import new_app, owner_of, visit
from tests.support.seed import Seed, seed

_CALLS = 1500
_FILL = """
INSERT INTO call (deployment_id, epoch, state, phone_number, attempts, connected_at, ended_at, result, variables)
SELECT %(deployment_id)s, n %% 2, s.state, '+1617' || lpad((n %% 900)::text, 7, '0'), 0,
       CASE WHEN s.state = 'completed' THEN now() END,
       CASE WHEN s.state <> 'queued' THEN now() END,
       CASE s.state WHEN 'completed' THEN 'answered' WHEN 'failed' THEN 'busy' END, '{"name": "Anna"}'
FROM generate_series(1, %(calls)s) AS n
CROSS JOIN LATERAL (SELECT (ARRAY['queued', 'completed', 'failed', 'queued'])[1 + n %% 4] AS state) AS s
"""


@pytest.fixture
async def one_connection(database_url: str) -> AsyncIterator[Pool]:
    """A pool in which whoever holds a connection is in everybody's way."""
    pool = await open_pool(database_url, min_size=1, max_size=1)
    yield pool
    await pool.close()


def _here(seeded: Seed) -> str:
    return f"/console/apps/{seeded.application_id}/{seeded.deployment_id}/calls/export"


async def test_the_filter_is_exported_whole_and_once(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    await cancel_pending(pool, seeded.deployment_id, user_id=None, origin="test")
    async with pool.connection() as connection:
        await connection.execute(_FILL, {"deployment_id": seeded.deployment_id, "calls": _CALLS})
        rows = await (await connection.execute("SELECT id, status, phone_number FROM call_status")).fetchall()
    browser = await visit(app, pool, owner_of(seeded))
    status = {row["id"]: row["status"] for row in rows}
    assert set(status.values()) == {"queued", "completed", "failed", "canceled"}
    number = "+16170000042"
    for query, expected in (
        ("", set(status)),
        *((f"?status={name}", {call for call in status if status[call] == name}) for name in set(status.values())),
        ("?number=1%20617%20000-0042", {row["id"] for row in rows if row["phone_number"] == number}),
    ):
        answer = await browser.get(f"{_here(seeded)}/jsonl{query}")
        assert answer.headers["content-type"] == "application/x-ndjson"
        exported = [json.loads(line) for line in answer.text.splitlines()]
        assert [call["call_id"] for call in exported] == sorted(expected, reverse=True), query
        assert all(call["status"] == status[call["call_id"]] for call in exported), query
        lines = list(csv.reader(io.StringIO((await browser.get(f"{_here(seeded)}/csv{query}")).text)))
        assert [int(line[0]) for line in lines[1:]] == [call["call_id"] for call in exported]
    assert (await browser.get(f"{_here(seeded)}/csv?number=x")).status_code == 400
    assert (await browser.get(f"{_here(seeded)}/xlsx")).status_code == 404


async def test_no_cell_is_a_formula_and_what_is_marked_stays_out(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    plain = NewCall(parse_destination("+16175551234"), variables={"=1+1": "@x"})
    marked = NewCall(parse_destination("+16175550142"), is_pci=True, variables={"card": "4111111111111111"})
    for call in (plain, marked):
        await submit(pool, seeded.deployment_id, call)
    browser = await visit(app, pool, owner_of(seeded))
    answer = await browser.get(f"{_here(seeded)}/csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="calls-{seeded.deployment_id}.csv"'
    hidden, shown = csv.DictReader(io.StringIO(answer.text))
    assert shown["phone_number"] == "'+16175551234"
    assert unescape_cell(shown["phone_number"]) == "+16175551234"
    assert json.loads(shown["variables"]) == {"=1+1": "@x"}
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in shown.values())
    assert hidden["phone_number"].endswith("**42")
    for form in ("csv", "jsonl"):
        text = (await browser.get(f"{_here(seeded)}/{form}")).text
        assert "16175550142" not in text
        assert "4111111111111111" not in text


async def test_nothing_is_held_while_somebody_reads_slowly(one_connection: Pool, database_url: str) -> None:
    pool = one_connection
    seeded = await seed(pool)
    async with pool.connection() as connection:
        await connection.execute(_FILL, {"deployment_id": seeded.deployment_id, "calls": _CALLS})
    pieces: list[int] = []

    async def take(piece: bytes) -> None:
        # The only connection is free, and in no transaction, whenever a piece is on its way.
        if piece:
            async with pool.connection(timeout=2) as connection:
                await connection.execute("SELECT")
            pieces.append(len(piece))

    await _download(new_app(pool, database_url), pool, owner_of(seeded), f"{_here(seeded)}/csv", take)
    assert len(pieces) >= _CALLS // 250
    assert max(pieces) < 75_000


async def _download(app: FastAPI, pool: Pool, user: User, path: str, take: Any) -> None:
    """Drive the application as a server does, with a reader that takes the pieces one by one."""
    session = await begin_session(pool, user)
    headers = [(b"host", b"calloff.test"), (b"cookie", f"{COOKIE}={session.token}".encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.1", 40000),
        "server": ("calloff.test", 80),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200
        else:
            await take(message["body"])

    await app(scope, receive, send)
