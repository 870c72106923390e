"""Forms say beside a field what is wrong with it and keep what was typed; and who may revoke whose key."""

import httpx
import pytest
from fastapi import FastAPI

from calloff.accounts.access import User
from calloff.accounts.keys import add_key
from calloff.accounts.users import add_user
from calloff.db.pool import Pool
from tests.integration.console.conftest import ORIGIN, Visit, client_of, owner_of, visit
from tests.support.seed import seed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("caller_id", "12"),
        ("ring_timeout", "301"),
        ("max_concurrent_calls", "0"),
        ("calls_per_second", "0.0001"),
    ],
)
async def test_settings_that_are_refused_are_still_in_the_form(
    app: FastAPI, pool: Pool, field: str, value: str
) -> None:
    seeded = await seed(pool)
    browser = await visit(app, pool, owner_of(seeded))
    typed = {"name": "coast", "trunk_id": str(seeded.trunk_id), "on_unknown": "retry", "callback_format": "form"}
    here = f"/console/apps/{seeded.application_id}/{seeded.deployment_id}/settings"
    answer = await browser.post(here, **{**typed, "caller_id": "+16175551234", field: value})
    assert answer.status_code == 400
    assert f'id="{field}-error"' in answer.text
    for kept in (f'value="{value}"', '"retry" selected', '"form" selected'):
        assert kept in answer.text
    assert '"fail" selected' in (await browser.get(here)).text


async def test_a_page_that_does_not_exist_leads_back(app: FastAPI, pool: Pool, client: httpx.AsyncClient) -> None:
    seeded = await seed(pool)
    page = await (await visit(app, pool, owner_of(seeded))).get("/console/nothing")
    assert page.status_code == 404
    assert seeded.email in page.text
    assert seeded.email not in (await client.get("/console/nothing")).text


async def test_whoever_was_signed_out_meanwhile_is_told_and_comes_back(client: httpx.AsyncClient) -> None:
    here = "/console/apps/1/2"
    asked = await client.post(f"{here}/cancel", headers={"origin": ORIGIN})
    assert (asked.status_code, asked.headers["location"]) == (303, f"/console/sign-in?next={here}/cancel")
    part = {"hx-request": "true", "hx-current-url": f"http://calloff.test{here}/calls/7"}
    live = await client.get(f"{here}/stops", headers=part)
    assert (live.status_code, live.text) == (401, "")
    assert live.headers["hx-redirect"] == f"/console/sign-in?next={here}/calls/7"
    for path in ("upload", "upload/preview"):
        upload = await client.post(f"{here}/{path}", headers={"origin": ORIGIN, "x-form-token": "old"})
        assert upload.status_code == 401
        assert upload.text.startswith('<p class="error" role="alert"')


async def test_an_administrator_revokes_the_key_of_a_colleague(app: FastAPI, pool: Pool) -> None:
    seeded, stranger = await seed(pool), await seed(pool)
    added = await add_user(pool, seeded.account_id, "anna@example.org")
    key = await add_key(pool, added.id)
    owner = await visit(app, pool, owner_of(seeded))
    colleague = await visit(app, pool, User(added.id, seeded.account_id, added.email, False))
    there = f"/console/keys/{key.id}/revoke"

    async def opens() -> bool:
        async with client_of(app) as client:
            answer = await client.get("/api/outbound/1", auth=(added.email, key.developer_key))
        return answer.status_code == 404

    assert "anna@example.org" in (await owner.get("/console/keys")).text
    assert seeded.email not in await _main(colleague)
    assert "anna@example.org" not in (await (await visit(app, pool, owner_of(stranger))).get("/console/keys")).text
    assert (await colleague.post("/console/keys/1/revoke")).status_code == 404
    assert (await (await visit(app, pool, owner_of(stranger))).post(there)).status_code == 404
    assert await opens()
    assert (await owner.post(there)).status_code == 303
    assert not await opens()
    assert f"key {key.id}" in (await owner.get("/console/audit")).text


async def _main(browser: Visit) -> str:
    return (await browser.get("/console/keys")).text.partition("<main")[2]
