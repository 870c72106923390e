"""What a signed-in browser holds open or half sent: it ends with the right to it, or in time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from fastapi import FastAPI

from calloff.accounts.access import Permission
from calloff.accounts.deployments import delete_deployment
from calloff.accounts.passwords import set_password
from calloff.accounts.permissions import share_application
from calloff.accounts.users import deactivate_user
from calloff.console import visitor
from calloff.console.numbers import live_numbers
from calloff.console.routes import outbound
from calloff.db.pool import Pool
from calloff.domain import patience
from tests.integration.console.conftest import ORIGIN, Visit, colleague, owner_of, visit
from tests.support.seed import Seed, seed
from tests.support.site import PASSWORD


async def _sign_out(pool: Pool, seeded: Seed, browser: Visit) -> None:
    await browser.post("/console/sign-out")


async def _deactivate(pool: Pool, seeded: Seed, browser: Visit) -> None:
    await deactivate_user(pool, browser.session.user.user_id)


async def _take_the_share_back(pool: Pool, seeded: Seed, browser: Visit) -> None:
    await share_application(pool, seeded.application_id, browser.session.user.user_id, {Permission.CANCEL})


async def _reset_the_password(pool: Pool, seeded: Seed, browser: Visit) -> None:
    await set_password(pool, browser.session.user.user_id, PASSWORD, must_change=True)


async def _delete(pool: Pool, seeded: Seed, browser: Visit) -> None:
    await delete_deployment(pool, seeded.deployment_id, user_id=None, origin="test")


@pytest.mark.parametrize("end", [_sign_out, _deactivate, _take_the_share_back, _reset_the_password, _delete])
async def test_a_stream_ends_with_the_right_to_it(
    app: FastAPI,
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[Pool, Seed, Visit], Awaitable[None]],
) -> None:
    looks = asyncio.Queue[None]()

    async def look(pool: Pool, deployment_id: int) -> object:
        looks.put_nowait(None)
        return await live_numbers(pool, deployment_id)

    monkeypatch.setattr(outbound, "live_numbers", look)
    monkeypatch.setattr(outbound, "_TICK", 0.01)
    monkeypatch.setattr(outbound, "_LONGEST_STREAM", 10**9)
    seeded = await seed(pool)
    browser = await visit(app, pool, await colleague(pool, seeded, Permission.VIEW))
    here = f"/console/apps/{seeded.application_id}/{seeded.deployment_id}"
    stream = asyncio.create_task(browser.get(f"{here}/live"))
    for _ in range(3):
        await looks.get()
    assert not stream.done()
    await end(pool, seeded, browser)
    async with asyncio.timeout(5):
        assert (await stream).text.startswith("event: numbers")
    assert (await browser.get(here)).status_code in (303, 403, 409)


async def test_a_form_that_does_not_come_is_given_up(
    app: FastAPI, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before anybody has signed in."""
    monkeypatch.setattr(visitor, "FORM_SECONDS", 0.1)
    async with asyncio.timeout(10):
        answer = await client.post("/console/sign-in", content=_trickle(), headers={"origin": ORIGIN})
    assert answer.status_code == 408


async def test_a_form_without_end_is_413(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65536
            yield b"a" * 65536

    answer = await client.post("/console/sign-in", content=endless(), headers={"origin": ORIGIN})
    assert answer.status_code == 413
    assert sent < 1024 * 1024


@pytest.mark.parametrize("action", ["upload", "upload/preview"])
async def test_a_list_that_trickles_is_given_up(
    app: FastAPI, pool: Pool, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    monkeypatch.setattr(patience, "BEGINNING_SECONDS", 0.1)
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    headers = {"origin": ORIGIN, "x-form-token": browser.session.form_token}
    path = f"/console/apps/{seeded.application_id}/{seeded.deployment_id}/{action}"
    async with asyncio.timeout(10):
        answer = await browser.client.post(path, content=_trickle(), headers=headers)
    assert answer.status_code == 408
    assert "too slowly" in answer.text


async def _trickle() -> AsyncIterator[bytes]:
    while True:
        yield b"6"
        await asyncio.sleep(0.02)
