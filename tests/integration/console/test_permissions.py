"""A role by route matrix, and a tenant by route matrix, over every route of the console and the API."""

import base64

import httpx
import pytest
from fastapi import FastAPI

from calloff.accounts.access import Permission, User
from calloff.accounts.keys import add_key
from calloff.accounts.trunks import list_trunks
from calloff.api.openapi import openapi_document
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import parse_destination
from calloff.queue.cancel import cancel_pending
from calloff.queue.submit import submit
from tests.integration.console.conftest import client_of, colleague, console_routes, other_routes, owner_of, visit
from tests.support.seed import Seed, seed

_A = "/console/apps/{application_id}"
_D = "/console/apps/{application_id}/{deployment_id}"
_VIEW, _QUEUE, _CANCEL, _ADMINISTER = Permission.VIEW, Permission.QUEUE, Permission.CANCEL, Permission.ADMINISTER
_ANY = (_VIEW, _QUEUE, _CANCEL, _ADMINISTER)
# In an order in which what comes later survives what comes before.
IN_AN_APPLICATION: dict[tuple[str, str], Permission | tuple[Permission, ...]] = {
    (_A, "GET"): _ANY,
    (_A + "/rename", "POST"): _ADMINISTER,
    (_A + "/deployments", "POST"): _ADMINISTER,
    (_A + "/share", "POST"): _ADMINISTER,
    (_A + "/delete", "GET"): _ADMINISTER,
    (_D, "GET"): _ANY,
    (_D + "/live", "GET"): _VIEW,
    (_D + "/stops", "GET"): _CANCEL,
    (_D + "/queue", "GET"): _QUEUE,
    (_D + "/queue", "POST"): _QUEUE,
    (_D + "/upload", "GET"): _QUEUE,
    (_D + "/upload/preview", "POST"): _QUEUE,
    (_D + "/upload", "POST"): _QUEUE,
    (_D + "/pause", "POST"): _CANCEL,
    (_D + "/resume", "POST"): _QUEUE,
    (_D + "/calls", "GET"): _VIEW,
    (_D + "/calls/export/{form}", "GET"): _VIEW,
    (_D + "/calls/{call_id}", "GET"): _VIEW,
    (_D + "/calls/{call_id}/cancel", "POST"): _CANCEL,
    (_D + "/cancel", "GET"): _CANCEL,
    (_D + "/cancel", "POST"): _CANCEL,
    (_D + "/cancellations", "GET"): _VIEW,
    (_D + "/cancellations/{epoch}", "GET"): (_VIEW, _CANCEL),
    (_D + "/cancellations/{epoch}/progress", "GET"): (_VIEW, _CANCEL),
    (_D + "/settings", "GET"): _ADMINISTER,
    (_D + "/settings", "POST"): _ADMINISTER,
    (_D + "/delete", "GET"): _ADMINISTER,
    (_D + "/delete", "POST"): _ADMINISTER,
    (_A + "/delete", "POST"): _ADMINISTER,
}
FOR_ADMINISTRATORS = {
    ("/console/users", "GET"),
    ("/console/users", "POST"),
    ("/console/users/{user_id}/password", "POST"),
    ("/console/users/{user_id}/deactivate", "POST"),
    ("/console/users/{user_id}/reactivate", "POST"),
    ("/console/audit", "GET"),
    ("/console/trunks", "GET"),
    ("/console/trunks/{trunk_id}", "GET"),
    ("/console/trunks/{trunk_id}", "POST"),
    ("/console/trunks/{trunk_id}/test", "POST"),
    ("/console/trunks/new/{kind}", "GET"),
    ("/console/trunks/new/{kind}", "POST"),
    ("/console/limits", "GET"),
    ("/console/limits/{account_id}", "GET"),
    ("/console/limits/{account_id}", "POST"),
    ("/console/limits/{account_id}/pause", "POST"),
    ("/console/limits/{account_id}/deactivate", "POST"),
    ("/console/limits/{account_id}/reactivate", "POST"),
}
FOR_THE_OPERATOR = {
    ("/console/trunks/{trunk_id}", "POST"),
    ("/console/trunks/new/{kind}", "GET"),
    ("/console/trunks/new/{kind}", "POST"),
}
"""Of those: the trunks are everybody's."""
FOR_EVERYBODY = {
    ("/console/", "GET"),
    ("/console/apps", "GET"),
    ("/console/apps", "POST"),
    ("/console/keys", "GET"),
    ("/console/keys", "POST"),
    ("/console/keys/{key_id}/revoke", "POST"),
    ("/console/password", "GET"),
    ("/console/password", "POST"),
    ("/console/sign-out", "POST"),
    ("/console/sign-in", "GET"),
    ("/console/sign-in", "POST"),
}
API = {
    "queue": _QUEUE,
    "bulk_queue": _QUEUE,
    "list_calls": _VIEW,
    "read_status": _VIEW,
    "list_cancellations": _VIEW,
    "pause": _CANCEL,
    "resume": _QUEUE,
    "cancel_call": _CANCEL,
    "cancel": _CANCEL,
}
_ROLES = [(), (_VIEW,), (_QUEUE,), (_CANCEL,), (_ADMINISTER,)]


def test_no_route_is_left_out(app: FastAPI) -> None:
    assert console_routes(app) == {*IN_AN_APPLICATION, *FOR_ADMINISTRATORS, *FOR_EVERYBODY}
    operations = [each for methods in openapi_document()["paths"].values() for each in methods.values()]
    assert {each["operationId"] for each in operations if each.get("security") != []} == set(API)
    # That the document names every route of the API is `tests/unit/api/test_openapi.py`'s to prove.
    assert other_routes(app) == {"/console", "/docs", "/console/static"}


async def test_what_needs_no_credentials_tells_nothing_of_any_account(
    app: FastAPI, client: httpx.AsyncClient, pool: Pool
) -> None:
    seeded = await seed(pool)
    await _paths(pool, seeded)
    document = openapi_document()["paths"]
    unguarded = {path for path in document for each in document[path].values() if each.get("security") == []}
    assert unguarded == {"/healthz", "/readyz"}
    for path in (*unguarded, "/openapi.json", "/docs", "/console/sign-in", "/console/static/console.js"):
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert seeded.email not in answer.text
    assert (await client.get("/metrics")).status_code == 403


async def _paths(pool: Pool, seeded: Seed) -> dict[str, str]:
    await cancel_pending(pool, seeded.deployment_id, user_id=None, origin="test")
    call_id = await submit(pool, seeded.deployment_id, NewCall(parse_destination("+16175551234")))
    return {
        "application_id": str(seeded.application_id),
        "deployment_id": str(seeded.deployment_id),
        "call_id": str(call_id),
        "epoch": "1",
        "form": "csv",
        "kind": "sip",
        "account_id": str(seeded.account_id),
        "user_id": str(seeded.user_id),
        "trunk_id": str((await list_trunks(pool))[0].id),
        "key_id": "1",
    }


@pytest.mark.parametrize("role", _ROLES, ids=lambda role: "-".join(role) or "nothing")
async def test_a_page_does_what_the_role_permits_and_nothing_else(
    app: FastAPI, pool: Pool, role: tuple[Permission, ...]
) -> None:
    seeded = await seed(pool)
    browser = await visit(app, pool, await colleague(pool, seeded, *role))
    paths = await _paths(pool, seeded)
    for (path, method), permission in IN_AN_APPLICATION.items():
        is_permitted = not set(role).isdisjoint(permission if isinstance(permission, tuple) else (permission,))
        if is_permitted and path.endswith("/live"):
            continue
        address = path.format(**paths)
        answer = await (browser.get(address) if method == "GET" else browser.post(address))
        if is_permitted:
            assert answer.status_code in (200, 303, 400), (method, path, answer.text)
            # Where a form leads to, whoever sent it may look at.
            while answer.status_code == 303:
                assert "sign-in" not in answer.headers["location"]
                answer = await browser.get(answer.headers["location"])
                assert answer.status_code in (200, 303) or path.endswith("/delete"), (method, path, answer.text)
        else:
            assert answer.status_code == 403, (method, path)
    for path, method in FOR_ADMINISTRATORS:
        address = path.format(**paths)
        answer = await (browser.get(address) if method == "GET" else browser.post(address))
        assert answer.status_code == 403, (method, path)


async def test_nobody_from_another_account_finds_anything(app: FastAPI, pool: Pool) -> None:
    seeded, stranger = await seed(pool), await seed(pool)
    browser = await visit(app, pool, owner_of(stranger))
    paths = await _paths(pool, seeded)
    for path, method in [*IN_AN_APPLICATION, *FOR_ADMINISTRATORS]:
        address = path.format(**paths)
        answer = await (browser.get(address) if method == "GET" else browser.post(address))
        if (path, method) in FOR_THE_OPERATOR:
            assert answer.status_code == 403, (method, path)
        elif "{trunk_id}" in path or "{" not in path:
            assert seeded.email not in answer.text
        else:
            assert answer.status_code == 404, (method, path)
    # Not even through an application of one's own.
    for address in (
        f"/console/apps/{stranger.application_id}/{seeded.deployment_id}",
        f"/console/apps/{stranger.application_id}/{stranger.deployment_id}/calls/{paths['call_id']}",
    ):
        assert (await browser.get(address)).status_code == 404
    answer = await browser.post(f"/console/apps/{stranger.application_id}/share", email=seeded.email, view="1")
    assert answer.status_code == 400
    assert (await browser.post("/console/keys/1/revoke")).status_code == 404


async def test_nobody_gets_in_without_signing_in(app: FastAPI, client: httpx.AsyncClient, pool: Pool) -> None:
    paths = await _paths(pool, await seed(pool))
    open_to_all = {("/console/", "GET"), ("/console/sign-in", "GET"), ("/console/sign-in", "POST")}
    for path, method in console_routes(app) - open_to_all:
        answer = await client.request(method, path.format(**paths), headers={"origin": "http://calloff.test"})
        assert answer.status_code == 303, (method, path)
        assert answer.headers["location"].startswith("/console/sign-in"), (method, path)


@pytest.mark.parametrize("role", [*_ROLES, None], ids=lambda role: "stranger" if role is None else "-".join(role))
async def test_the_api_does_what_the_role_permits_and_nothing_else(
    app: FastAPI, pool: Pool, role: tuple[Permission, ...] | None
) -> None:
    seeded = await seed(pool)
    user: User = owner_of(await seed(pool)) if role is None else await colleague(pool, seeded, *role)
    key = (await add_key(pool, user.user_id)).developer_key
    authorization = "Basic " + base64.b64encode(f"{user.email}:{key}".encode()).decode()
    paths = await _paths(pool, seeded)
    document = openapi_document()["paths"]
    addresses = {
        document[path][method]["operationId"]: (path, method) for path in document for method in document[path]
    }
    async with client_of(app) as client:
        for name, permission in API.items():
            path, method = addresses[name]
            answer = await client.request(
                method.upper(), path.format(**paths), headers={"authorization": authorization}
            )
            if role is None:
                assert answer.status_code == 404, name
            elif permission in role:
                assert answer.status_code in (200, 202, 400, 409, 415), (name, answer.text)
            else:
                assert answer.status_code == 403, name
