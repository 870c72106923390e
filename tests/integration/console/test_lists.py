"""Lists that the console does not take, and what a list takes up."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from calloff.accounts.sessions import begin_session
from calloff.console import list_upload
from calloff.console.list_upload import MAX_PIECE
from calloff.console.visitor import COOKIE, MAX_FORM
from calloff.db.pool import Pool
from calloff.lists import upload_slots
from calloff.lists.upload_slots import MAX_OF_ONE_ACCOUNT
from tests.integration.console.conftest import ORIGIN, Visit, owner_of, visit
from tests.support.seed import Seed, seed
from tests.support.site import running_site

_MIB = 1024**2
_HEAD = b"\ndestination,text\n"
_ROW = b"6175551234,%s\n" % (b"x" * 16_000)

Body = Callable[[], AsyncIterator[bytes]]


async def _post(browser: Visit, seeded: Seed, body: AsyncIterator[bytes], action: str = "upload") -> httpx.Response:
    headers = {"origin": ORIGIN, "x-form-token": browser.session.form_token}
    path = f"/console/apps/{seeded.application_id}/{seeded.deployment_id}/{action}"
    return await browser.client.post(path, content=body, headers=headers)


async def _count(pool: Pool) -> int:
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT count(*) AS calls FROM call")).fetchone()
    assert row is not None
    return int(row["calls"])


@pytest.mark.parametrize("action", ["upload", "upload/preview"])
async def test_a_list_that_is_too_large_is_refused_as_it_comes_in(
    app: FastAPI, pool: Pool, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(list_upload, "MAX_LIST", MAX_FORM + MAX_PIECE)
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield _HEAD
        while True:
            sent += len(_ROW)
            yield _ROW

    answer = await _post(browser, seeded, endless(), action)
    assert answer.status_code == 413
    assert answer.text.startswith('<p class="error" role="alert"')
    assert "The list is larger than 320 KiB. Send it in several parts." in answer.text
    assert sent < MAX_FORM + MAX_PIECE + 2 * len(_ROW)
    assert await _count(pool) == 0


async def test_a_list_for_which_there_is_no_place_is_refused_and_others_go_on(
    app: FastAPI, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_slots, "WAIT_SECONDS", 0.2)
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    let_go, came = asyncio.Event(), asyncio.Semaphore(0)

    async def held() -> AsyncIterator[bytes]:
        came.release()
        yield _HEAD
        await let_go.wait()
        yield _ROW

    async def whole() -> AsyncIterator[bytes]:
        yield _HEAD + _ROW

    coming = [asyncio.create_task(_post(browser, seeded, held())) for _ in range(MAX_OF_ONE_ACCOUNT)]
    async with asyncio.timeout(20):
        for _ in coming:
            await came.acquire()
    async with asyncio.timeout(20):
        refused = await _post(browser, seeded, whole())
    assert refused.status_code == 503
    assert refused.text.startswith('<p class="error" role="alert"')
    assert "Too many lists are being uploaded. Try again in a moment." in refused.text
    assert (await _post(browser, seeded, whole(), "upload/preview")).status_code == 200, "a look needs no place"
    assert await _count(pool) == 0
    let_go.set()
    assert [answer.status_code for answer in await asyncio.gather(*coming)] == [200] * MAX_OF_ONE_ACCOUNT
    assert (await _post(browser, seeded, whole())).status_code == 200
    assert await _count(pool) == MAX_OF_ONE_ACCOUNT + 1


async def test_memory_stays_flat(pool: Pool, database_url: str) -> None:
    """Few and long rows: a batch is counted in bytes, too."""
    async with running_site(pool, database_url) as site:
        session = await begin_session(pool, owner_of(site.seed))
        headers = {"origin": site.url, "x-form-token": session.form_token}
        [api] = site.served.children()["api"]

        def memory() -> int:
            return int(Path(f"/proc/{api}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        async def body(rows: int) -> AsyncIterator[bytes]:
            yield _HEAD
            for _ in range(rows):
                yield _ROW

        async with httpx.AsyncClient(cookies={COOKIE: session.token}, timeout=60, trust_env=False) as client:

            async def upload(rows: int) -> None:
                answer = await client.post(f"{site.deployment_url}/upload", content=body(rows), headers=headers)
                assert answer.status_code == 200, answer.text

            await upload(1)
            before = most = memory()
            uploading = asyncio.create_task(upload(8000))
            while not uploading.done():
                most = max(most, memory())
                await asyncio.sleep(0.02)
            await uploading
    assert most - before < 16 * _MIB
