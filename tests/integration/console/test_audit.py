"""Every change by a form of the console or a request to the API is one entry of the audit log, and nothing else is.

The command line is `tests/integration/cli/test_audit.py`'s.
"""

import httpx
import pytest
from fastapi import FastAPI

from calloff.accounts.access import User
from calloff.accounts.audit import list_audit
from calloff.accounts.deployments import DeploymentSettings
from calloff.accounts.passwords import set_password
from calloff.db.pool import Pool
from calloff.domain.errors import NotFound
from calloff.operations.access import OPERATOR, Actor, Door, to_account, to_deployment
from calloff.operations.deployments import set_deployment
from calloff.operations.queue import call_everything_off, pause, resume
from calloff.operations.trunks import set_trunk
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
    # Whom it concerns; a trunk is no single account's.
    account_id = tenant.account_id if "{account_id}" in operation else operator.account_id
    concerned = None if change.action in ("add a trunk", "change a trunk") else account_id
    assert await entries(pool) == [Entry(concerned, operator.user_id, "console 192.0.2.1", change.action, subject)]


async def test_whom_it_concerns_is_not_told_which_of_the_operators_users_it_was(app: FastAPI, pool: Pool) -> None:
    operator, tenant, other = await seed(pool), await seed(pool), await seed(pool)
    browser = await visit(app, pool, owner_of(operator))
    for action in ("pause", "deactivate", "reactivate"):
        assert (await browser.post(f"/console/limits/{tenant.account_id}/{action}")).status_code == 303
    [*_, oldest] = await list_audit(pool, tenant.account_id, limit=10)
    assert (oldest.action, oldest.user_email, oldest.origin) == ("pause every deployment", None, "console")
    [*_, oldest] = await list_audit(pool, operator.account_id, limit=10)
    assert (oldest.user_email, oldest.origin) == (operator.email, "console 192.0.2.1")
    assert await list_audit(pool, other.account_id, limit=10) == []


async def test_trunks_and_the_command_line_are_the_operators_to_read(pool: Pool) -> None:
    operator, tenant = await seed(pool), await seed(pool)
    user = User(operator.user_id, operator.account_id, operator.email, True)
    for actor in (Actor(user, Door.CONSOLE, "192.0.2.1"), OPERATOR):
        access = await to_account(pool, actor)
        await set_trunk(pool, access, operator.trunk_id, {"max_concurrent_calls": 5}, lambda kind, given: given)
    assert [entry.user_email for entry in await list_audit(pool, operator.account_id, limit=9)] == [None, user.email]
    assert await list_audit(pool, tenant.account_id, limit=9) == []


async def test_a_change_tells_what_was_before_and_a_cancellation_is_its_own_entry(pool: Pool) -> None:
    seeded = await seed(pool, caller_id="8009957586")
    access = await to_deployment(pool, Actor(owner_of(seeded), Door.API, "192.0.2.1"), seeded.deployment_id)
    actions = ["pause", "call everything off", "resume", "call everything off", "call everything off"]
    by_name = {each.action: each for each in (pause, resume, call_everything_off)}
    for action in actions:
        await by_name[action](pool, access)
    administrator = await to_deployment(pool, OPERATOR, seeded.deployment_id)
    changes: DeploymentSettings = {"ring_timeout": 30.0, "max_concurrent_calls": None, "caller_id": "8009957587"}
    await set_deployment(pool, administrator, changes)
    told = await list_audit(pool, seeded.account_id, limit=99)
    assert [entry.action for entry in told] == ["change the settings", *reversed(actions)]
    assert told[0].changes["ring_timeout"] == {"old": 60.0, "new": 30.0}
    assert set(told[0].changes) == {"ring_timeout", "caller_id"}
    assert "8009957587" not in str(told[0].changes)
    one_by_one, before = [], None
    while page := await list_audit(pool, seeded.account_id, limit=1, before=before):
        one_by_one += page
        before = page[0].cursor
    assert one_by_one == told
    with pytest.raises(NotFound):
        await list_audit(pool, seeded.account_id, limit=1, before="7")


@pytest.mark.parametrize("operation", _REQUESTS)
async def test_a_request_is_one_entry(app: FastAPI, pool: Pool, operation: str) -> None:
    seeded = await seed(pool)
    places = await fill(pool, seeded)
    method, path = operation.split()
    async with client_of(app) as client:
        client.auth = httpx.BasicAuth(seeded.email, seeded.developer_key)
        files = _LIST if path.endswith("/bulk_queue") else None
        number = {"phone_number": "6175551234"}
        data = {"/api/do_not_call/add": {**number, "source": "told"}, "/api/do_not_call/remove": number}.get(path)
        answer = await client.request(method, path.format(**places), files=files, data=data)
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
