"""Every change by a form of the console or a request to the API is one entry of the audit log, and nothing else is.

The command line is `tests/integration/cli/test_audit.py`'s.
"""

import httpx
import pytest
from fastapi import FastAPI

from calloff.accounts.passwords import set_password
from calloff.db.pool import Pool
from tests.integration.console.conftest import api_routes, client_of, console_routes, owner_of, visit
from tests.integration.console.forms import fill, open_or_send
from tests.support.changes import Entry, changes_by, entries, newest, not_recorded_by
from tests.support.seed import seed
from tests.support.site import PASSWORD

_FORMS = changes_by("POST /console/")
_REQUESTS = changes_by("POST /api/", "DELETE /api/")
_LIST = {"csv": ("list.csv", "destination\n+16175551234\n+16175551235\n")}


def test_no_operation_is_left_out(app: FastAPI) -> None:
    routes = console_routes(app) | api_routes(app)
    operations = {f"{method} {path}" for path, method in routes if method not in ("GET", "HEAD")}
    known = {*_FORMS, *_REQUESTS} | not_recorded_by("POST /", "DELETE /")
    assert operations == known


@pytest.mark.parametrize("operation", _FORMS)
async def test_a_form_is_one_entry(app: FastAPI, pool: Pool, operation: str) -> None:
    operator, tenant = await seed(pool), await seed(pool)
    await set_password(pool, operator.user_id, PASSWORD, must_change=False)
    # The operator's own account cannot be shut out.
    places = {**await fill(pool, operator), "account_id": str(tenant.account_id)}
    answer = await open_or_send(await visit(app, pool, owner_of(operator)), operation.split()[1], "POST", places)
    assert answer.status_code in (200, 303), answer.text
    change = _FORMS[operation]
    subject = change.subject.format(**places, **await newest(pool))
    told = [Entry(operator.account_id, operator.user_id, "console 192.0.2.1", change.action, subject)]
    if "{account_id}" in operation:
        # Whom it concerns reads of it, too, but not who of the operator's did it.
        told.append(Entry(tenant.account_id, None, "console", change.action, subject))
    assert await entries(pool) == told


async def test_what_the_operator_does_to_its_own_account_is_told_once(app: FastAPI, pool: Pool) -> None:
    operator = await seed(pool)
    browser = await visit(app, pool, owner_of(operator))
    assert (await browser.post(f"/console/limits/{operator.account_id}/pause")).status_code == 303
    assert len(await entries(pool)) == 1


@pytest.mark.parametrize("operation", _REQUESTS)
async def test_a_request_is_one_entry(app: FastAPI, pool: Pool, operation: str) -> None:
    seeded = await seed(pool)
    places = await fill(pool, seeded)
    method, path = operation.split()
    async with client_of(app) as client:
        client.auth = httpx.BasicAuth(seeded.email, seeded.developer_key)
        files = _LIST if path.endswith("/bulk_queue") else None
        answer = await client.request(method, path.format(**places), files=files)
    assert answer.status_code in (200, 202), answer.text
    change = _REQUESTS[operation]
    subject = change.subject.format(**places)
    assert await entries(pool) == [Entry(seeded.account_id, seeded.user_id, "api 192.0.2.1", change.action, subject)]


@pytest.mark.parametrize("operation", sorted(not_recorded_by("POST /console/")))
async def test_a_form_that_is_left_out_is_no_entry(app: FastAPI, pool: Pool, operation: str) -> None:
    seeded = await seed(pool)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=False)
    browser = await visit(app, pool, owner_of(seeded))
    answer = await open_or_send(browser, operation.split()[1], "POST", await fill(pool, seeded))
    assert answer.status_code in (200, 303), answer.text
    assert await entries(pool) == []


async def test_a_list_that_is_sent_again_is_one_entry(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    async with client_of(app) as client:
        client.auth = httpx.BasicAuth(seeded.email, seeded.developer_key)
        for _ in range(2):
            answer = await client.post(
                f"/api/apps/{seeded.application_id}/{seeded.deployment_id}/bulk_queue",
                files=_LIST,
                headers={"idempotency-key": "monday"},
            )
            assert answer.status_code == 200
    assert len(await entries(pool)) == 1


async def test_the_page_tells_what_was_changed(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    async with client_of(app) as client:
        client.auth = httpx.BasicAuth(seeded.email, seeded.developer_key)
        await client.post(f"/api/apps/{seeded.application_id}/{seeded.deployment_id}/pause")
    page = (await (await visit(app, pool, owner_of(seeded))).get("/console/audit")).text
    for cell in (seeded.email, "Pause", f"deployment {seeded.deployment_id}", "api 192.0.2.1"):
        assert f">{cell}</td>" in page
