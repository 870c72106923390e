"""A role by route matrix, and a tenant by route matrix, over every route of the console and the API."""

import httpx
import pytest
from fastapi import FastAPI

from calloff.accounts.access import Permission, User
from calloff.accounts.accounts import deactivate_account
from calloff.accounts.keys import add_key
from calloff.accounts.passwords import set_password
from calloff.accounts.users import add_user, deactivate_user
from calloff.api.openapi import openapi_document
from calloff.db.pool import Pool
from tests.integration.console.conftest import (
    Visit,
    client_of,
    colleague,
    console_routes,
    fingerprint,
    other_routes,
    owner_of,
    visit,
)
from tests.integration.console.forms import fill, open_or_send
from tests.support.seed import Seed, seed
from tests.support.site import PASSWORD

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
    (_D + "/lists", "GET"): _VIEW,
    (_D + "/lists/{list_id}", "GET"): _VIEW,
    (_D + "/lists/{list_id}/progress", "GET"): _VIEW,
    (_D + "/lists/{list_id}/results", "GET"): _VIEW,
    (_D + "/lists/{list_id}/cancel", "GET"): _CANCEL,
    (_D + "/lists/{list_id}/pause", "POST"): _CANCEL,
    (_D + "/lists/{list_id}/resume", "POST"): _QUEUE,
    (_D + "/lists/{list_id}/cancel", "POST"): _CANCEL,
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
FOR_ADMINISTRATORS = (
    ("/console/users", "GET"),
    ("/console/users", "POST"),
    ("/console/users/{user_id}/password", "POST"),
    ("/console/users/{user_id}/role", "POST"),
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
)
FOR_THE_OPERATOR = {
    ("/console/trunks/{trunk_id}", "POST"),
    ("/console/trunks/new/{kind}", "GET"),
    ("/console/trunks/new/{kind}", "POST"),
    ("/console/limits/{account_id}", "POST"),
    ("/console/limits/{account_id}/deactivate", "POST"),
    ("/console/limits/{account_id}/reactivate", "POST"),
}
"""Of those: the trunks are everybody's, and no account sets its own limits."""
FOR_EVERYBODY = (
    ("/console/", "GET"),
    ("/console/apps", "GET"),
    ("/console/apps", "POST"),
    ("/console/keys", "GET"),
    ("/console/keys", "POST"),
    ("/console/keys/{key_id}/revoke", "POST"),
    ("/console/password", "GET"),
    ("/console/sign-in", "GET"),
    ("/console/sign-in", "POST"),
    ("/console/sign-out", "POST"),
    ("/console/password", "POST"),
)
API = {
    "queue": _QUEUE,
    "bulk_queue": _QUEUE,
    "list_calls": _VIEW,
    "read_status": _VIEW,
    "read_trace": _VIEW,
    "list_cancellations": _VIEW,
    "read_list": _VIEW,
    "read_list_results": _VIEW,
    "pause_list": _CANCEL,
    "resume_list": _QUEUE,
    "cancel_list": _CANCEL,
    "pause": _CANCEL,
    "resume": _QUEUE,
    "cancel_call": _CANCEL,
    "cancel": _CANCEL,
}
_OF_THE_ACCOUNT = {"list_lists", "do_not_call_add", "do_not_call_remove", "do_not_call_find"}
"""What is no single deployment's: `list_lists` below, the others in `tests/integration/api/test_do_not_call.py`."""
_ROLES: dict[str, tuple[Permission, ...]] = {
    "nothing": (),
    **{str(permission): (permission,) for permission in Permission},
    "owner": _ANY,
    "administrator": _ANY,
    "operator's administrator": _ANY,
}
"""What each role may do in an application of the account."""


def test_no_route_is_left_out(app: FastAPI) -> None:
    assert console_routes(app) == {*IN_AN_APPLICATION, *FOR_ADMINISTRATORS, *FOR_EVERYBODY}
    operations = [each for methods in openapi_document()["paths"].values() for each in methods.values()]
    assert {each["operationId"] for each in operations if each.get("security") != []} == {*API, *_OF_THE_ACCOUNT}
    # That the document names every route of the API is `tests/unit/api/test_openapi.py`'s to prove.
    assert other_routes(app) == {"/console", "/docs", "/console/static"}


async def test_what_needs_no_credentials_tells_nothing_of_any_account(
    app: FastAPI, client: httpx.AsyncClient, pool: Pool
) -> None:
    seeded = await seed(pool)
    await fill(pool, seeded)
    document = openapi_document()["paths"]
    unguarded = {path for path in document for each in document[path].values() if each.get("security") == []}
    assert unguarded == {"/healthz", "/readyz"}
    for path in (*unguarded, "/openapi.json", "/docs", "/console/sign-in", "/console/static/console.js"):
        answer = await client.get(path)
        assert answer.status_code == 200, path
        assert seeded.email not in answer.text
    assert (await client.get("/metrics")).status_code == 403


async def _somebody(pool: Pool, seeded: Seed, role: str) -> User:
    """Somebody of the seeded account who is this there, and whose password is `PASSWORD`."""
    if role.endswith("administrator"):
        added = await add_user(pool, seeded.account_id, "head@example.com", is_administrator=True)
        user = User(added.id, seeded.account_id, added.email, True)
    else:
        user = await colleague(pool, seeded, *(() if role == "owner" else _ROLES[role]))
    if role == "owner":
        async with pool.connection() as connection:
            parameters = (user.user_id, seeded.application_id)
            await connection.execute("UPDATE application SET owner_user_id = %s WHERE id = %s", parameters)
    await set_password(pool, user.user_id, PASSWORD, must_change=False)
    return user


@pytest.mark.parametrize("role", _ROLES)
async def test_a_page_does_what_the_role_permits_and_nothing_else(app: FastAPI, pool: Pool, role: str) -> None:
    operator, tenant = await seed(pool), await seed(pool)
    seeded = operator if role == "operator's administrator" else tenant
    user = await _somebody(pool, seeded, role)
    browser = await visit(app, pool, user)
    places = await fill(pool, seeded, user)
    # Nobody's own account can be shut out.
    account = {"account_id": str(tenant.account_id)}

    for path, method in FOR_ADMINISTRATORS:
        if user.is_administrator and ((path, method) not in FOR_THE_OPERATOR or seeded is operator):
            await _succeed(browser, path, method, places | account)
        else:
            await _fail(pool, browser, path, method, places | account)
    for (path, method), permission in IN_AN_APPLICATION.items():
        if set(_ROLES[role]).isdisjoint(permission if isinstance(permission, tuple) else (permission,)):
            await _fail(pool, browser, path, method, places)
        elif not path.endswith("/live"):
            await _succeed(browser, path, method, places)
    for path, method in FOR_EVERYBODY:
        await _succeed(await visit(app, pool, user), path, method, places)


async def _succeed(browser: Visit, path: str, method: str, places: dict[str, str]) -> None:
    answer = await open_or_send(browser, path, method, places)
    assert answer.status_code in (200, 303), (method, path, answer.text)
    # Where a form leads to, whoever sent it may look at.
    while answer.status_code == 303:
        assert "sign-in" not in answer.headers["location"] or path.endswith("/sign-out")
        answer = await browser.get(answer.headers["location"])
        assert answer.status_code in (200, 303) or path.endswith("/delete"), (method, path, answer.text)


async def _fail(
    pool: Pool, browser: Visit, path: str, method: str, places: dict[str, str], status: int = 403
) -> httpx.Response:
    before = await fingerprint(pool)
    answer = await open_or_send(browser, path, method, places)
    assert answer.status_code == status, (method, path)
    assert await fingerprint(pool) == before, (method, path)
    return answer


async def test_whoever_has_to_change_the_password_can_do_nothing_else(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=True)
    places = await fill(pool, seeded)
    browser = await visit(app, pool, owner_of(seeded))
    for path, method in (*IN_AN_APPLICATION, *FOR_ADMINISTRATORS, *FOR_EVERYBODY):
        if path not in ("/console/", "/console/password", "/console/sign-in", "/console/sign-out"):
            answer = await _fail(pool, browser, path, method, places, 303)
            assert answer.headers["location"] == "/console/password", (method, path)
    assert (await browser.get("/console/password")).status_code == 200
    await _succeed(browser, "/console/password", "POST", places)


@pytest.mark.parametrize("shut_out", ["user", "account"])
async def test_whoever_is_shut_out_can_do_nothing(app: FastAPI, pool: Pool, shut_out: str) -> None:
    await seed(pool)
    seeded = await seed(pool)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=False)
    places = await fill(pool, seeded)
    browser = await visit(app, pool, owner_of(seeded))
    if shut_out == "user":
        await deactivate_user(pool, seeded.user_id)
    else:
        await deactivate_account(pool, seeded.account_id)
    for path, method in (*IN_AN_APPLICATION, *FOR_ADMINISTRATORS, *FOR_EVERYBODY):
        if path not in ("/console/", "/console/sign-in"):
            answer = await _fail(pool, browser, path, method, places, 303 if method == "GET" else 401)
            assert method == "POST" or answer.headers["location"].startswith("/console/sign-in?"), path
    await _fail(pool, browser, "/console/sign-in", "POST", places, 401)


async def test_what_a_form_names_of_another_account_is_refused_like_what_does_not_exist(
    app: FastAPI, pool: Pool
) -> None:
    seeded, stranger = await seed(pool), await seed(pool)
    browser = await visit(app, pool, owner_of(stranger))
    theirs, own = await fill(pool, seeded), await fill(pool, stranger)
    nowhere = {name: "nobody@example.com" if "email" in name else "999999999" for name in own}
    for path, names in (
        (_A + "/share", ["user_email"]),
        ("/console/trunks/{trunk_id}/test", ["deployment_id"]),
        ("/console/keys/{key_id}/revoke", ["key_id"]),
        ("/console/users/{user_id}/password", ["user_id"]),
        ("/console/users/{user_id}/role", ["user_id"]),
        ("/console/users/{user_id}/deactivate", ["user_id"]),
        ("/console/users/{user_id}/reactivate", ["user_id"]),
        ("/console/limits/{account_id}/pause", ["account_id"]),
        (_D + "/calls/{call_id}/cancel", ["call_id"]),
        (_D + "/lists/{list_id}/cancel", ["list_id"]),
        (_D + "/cancel", ["deployment_id"]),
        (_D + "/cancel", ["application_id", "deployment_id"]),
        (_A + "/delete", ["application_id"]),
    ):
        status = 400 if path.endswith(("/share", "/test")) else 404
        answers = [
            await _fail(pool, browser, path, "POST", own | {name: places[name] for name in names}, status)
            for places in (theirs, nowhere)
        ]
        assert answers[0].content == answers[1].content, path


async def test_nobody_from_another_account_finds_anything(app: FastAPI, pool: Pool) -> None:
    seeded, stranger = await seed(pool), await seed(pool)
    browser = await visit(app, pool, owner_of(stranger))
    places = await fill(pool, seeded)
    for path, method in [*IN_AN_APPLICATION, *FOR_ADMINISTRATORS]:
        if path.startswith((_A, "/console/users/", "/console/limits/")):
            await _fail(pool, browser, path, method, places, 404)
        elif (path, method) in FOR_THE_OPERATOR:
            await _fail(pool, browser, path, method, places)
        else:
            assert seeded.email not in (await open_or_send(browser, path, method, places)).text
    # Not even through an application of one's own.
    for address in (
        f"/console/apps/{stranger.application_id}/{seeded.deployment_id}",
        f"/console/apps/{stranger.application_id}/{stranger.deployment_id}/calls/{places['call_id']}",
    ):
        assert (await browser.get(address)).status_code == 404


async def test_nobody_gets_in_without_signing_in(app: FastAPI, client: httpx.AsyncClient, pool: Pool) -> None:
    places = await fill(pool, await seed(pool))
    open_to_all = {("/console/", "GET"), ("/console/sign-in", "GET"), ("/console/sign-in", "POST")}
    for path, method in console_routes(app) - open_to_all:
        answer = await client.request(method, path.format(**places), headers={"origin": "http://calloff.test"})
        assert answer.status_code == 303, (method, path)
        assert answer.headers["location"].startswith("/console/sign-in"), (method, path)


_LIST = {"csv": ("list.csv", "destination\n+16175551234\n")}


@pytest.mark.parametrize("role", [*_ROLES, "stranger", "shut out"])
async def test_the_api_does_what_the_role_permits_and_nothing_else(app: FastAPI, pool: Pool, role: str) -> None:
    seeded = await seed(pool)
    user = await _somebody(pool, seeded, role) if role in _ROLES else owner_of(await seed(pool))
    key = (await add_key(pool, user.user_id)).developer_key
    if role == "shut out":
        await deactivate_user(pool, user.user_id)
    places = await fill(pool, seeded)
    document = openapi_document()["paths"]
    addresses = {
        document[path][method]["operationId"]: (path, method) for path in document for method in document[path]
    }
    async with client_of(app) as client:
        client.auth = httpx.BasicAuth(user.email, key)
        for name, permission in API.items():
            path, method = addresses[name]
            answer = await client.request(
                method.upper(),
                path.format(**places),
                data={"phone_number": "+16175551234"} if name == "queue" else None,
                files=_LIST if name == "bulk_queue" else None,
            )
            if role == "shut out":
                # Whoever goes on trying is slowed down.
                assert answer.status_code in (401, 429), name
            elif role == "stranger":
                assert answer.status_code == 404, name
            elif permission in _ROLES[role]:
                assert answer.status_code in (200, 202), (name, answer.text)
            else:
                assert answer.status_code == 403, name
        answer = await client.get("/api/lists")
    # A page for everybody, of what each of them may view.
    sees = Permission.VIEW in _ROLES.get(role, ())
    if role == "shut out":
        assert answer.status_code in (401, 429)
    else:
        assert bool(answer.json()["lists"]) == sees
