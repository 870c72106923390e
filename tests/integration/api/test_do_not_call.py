"""The do-not-call list over the API: what it forbids is not dialed, and it is nobody else's."""

import httpx
import pytest
from fastapi import FastAPI

from calloff.accounts.access import Permission
from calloff.accounts.keys import add_key
from calloff.accounts.permissions import share_application
from calloff.accounts.users import add_user
from calloff.api.app import create_app
from calloff.calls import start as starting
from calloff.calls.claim import claim
from calloff.db.pool import Pool
from calloff.domain.entries import Entry
from calloff.rules.do_not_call import Reason, Scope, forbid
from calloff.upkeep.dialers import register
from tests.support.seed import Seed, seed

NUMBER = {"phone_number": "+1 617 555 1234"}
_OPERATOR = Entry(None, None, "command line", "forbid a number", "")


@pytest.fixture
def app(pool: Pool, database_url: str) -> FastAPI:
    """The application on the test's own database."""
    return create_app(pool, database_url)


def client(app: FastAPI, email: str, key: str) -> httpx.AsyncClient:
    """Somebody's."""
    transport = httpx.ASGITransport(app, client=("192.0.2.1", 40000))
    return httpx.AsyncClient(transport=transport, base_url="http://calloff.test", auth=(email, key))


def owner(app: FastAPI, seeded: Seed) -> httpx.AsyncClient:
    """The owner's."""
    return client(app, seeded.email, seeded.developer_key)


async def post(client: httpx.AsyncClient, what: str, status: int = 200, **fields: object) -> dict[str, object]:
    """The answer to `fields`, which has that status."""
    answer = await client.post(f"/api/do_not_call/{what}", json={**NUMBER, **fields})
    assert answer.status_code == status, answer.text
    found: dict[str, object] = answer.json()
    return found


async def dial(pool: Pool, seeded: Seed) -> list[object]:
    """What becomes of the starts of all that is due in the deployment."""
    dialer_id = await register(pool, name="one", ports=9)
    calls, _ = await claim(pool, seeded.deployment_id, dialer_id=dialer_id, limit=9)
    return list((await starting.start(pool, seeded.deployment_id, calls)).values())


async def test_a_pending_call_to_a_number_that_is_put_on_the_list_is_never_dialed(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    async with owner(app, seeded) as asker:
        path = f"/api/apps/{seeded.application_id}/{seeded.deployment_id}/queue"
        call_id = (await asker.post(path, data={"phone_number": "6175551234"})).json()["call_id"]
        assert await post(asker, "add", source="told an agent") == {"changed": True}
        assert await post(asker, "add", source="told an agent") == {"changed": False}
        [refused] = await dial(pool, seeded)
        assert not isinstance(refused, starting.Started)
        details = (await asker.get(f"/api/outbound/{call_id}")).json()["call_details"]
        assert (details["status"], details["result"], details["attempts"]) == ("failed", "not_permitted", "0")
        assert await post(asker, "remove") == {"changed": True}
        assert await post(asker, "remove") == {"changed": False}
        assert (await asker.post(path, data={"phone_number": "6175551234"})).status_code == 200
        [started] = await dial(pool, seeded)
        assert isinstance(started, starting.Started)


async def test_the_entries_of_a_number_are_found_with_what_is_known_of_them(app: FastAPI, pool: Pool) -> None:
    seeded = await seed(pool)
    async with owner(app, seeded) as asker:
        assert await post(asker, "find") == {"entries": []}
        await post(asker, "add", source="pressed 9", evidence="call 7", end_timestamp=4000000000)
        await forbid(pool, Scope(), 16175551234, Reason("national list", "line 3"), _OPERATOR)
        entries = (await post(asker, "find"))["entries"]
    assert isinstance(entries, list)
    own = next(entry for entry in entries if entry["list"] == "account")
    assert (own["source"], own["evidence"], own["origin"], own["end_timestamp"]) == (
        "pressed 9",
        "call 7",
        "api 192.0.2.1",
        4000000000,
    )
    # Where the operator's entries come from is the operator's to know.
    operators = next(entry for entry in entries if entry["list"] == "operator")
    assert (operators["evidence"], operators["origin"]) == (None, None)


async def test_lists_of_other_accounts_are_neither_seen_nor_changed(app: FastAPI, pool: Pool) -> None:
    seeded, stranger = await seed(pool), await seed(pool)
    async with owner(app, seeded) as asker, owner(app, stranger) as other:
        await post(asker, "add", source="told an agent")
        assert await post(other, "find") == {"entries": []}
        assert await post(other, "remove") == {"changed": False}
        for what, fields in (("add", {"source": "x"}), ("remove", {}), ("find", {})):
            theirs = await post(other, what, 404, application_id=seeded.application_id, **fields)
            assert theirs == await post(other, what, 404, application_id=999999, **fields)
        assert len((await post(asker, "find"))["entries"]) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("permission", "add", "remove", "find"),
    [
        (None, 403, 403, 403),
        (Permission.VIEW, 403, 403, 200),
        (Permission.CANCEL, 200, 403, 403),
        (Permission.ADMINISTER, 403, 200, 403),
    ],
)
async def test_who_may_do_what_with_the_list_of_an_application(
    app: FastAPI, pool: Pool, permission: Permission | None, add: int, remove: int, find: int
) -> None:
    seeded = await seed(pool)
    user = await add_user(pool, seeded.account_id, "colleague@example.com")
    key = (await add_key(pool, user.id)).developer_key
    if permission is not None:
        await share_application(pool, seeded.application_id, user.id, {permission})
    async with client(app, user.email, key) as asker:
        place = seeded.application_id
        await post(asker, "add", add, application_id=place, source="told an agent")
        await post(asker, "remove", remove, application_id=place)
        await post(asker, "find", find, application_id=place)
        # That of the account is its administrators', and every member's to look into.
        await post(asker, "add", 403, source="told an agent")
        await post(asker, "remove", 403)
        await post(asker, "find", 200)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"phone_number": ""}, "phone_number_missing"),
        ({"phone_number": "12"}, "phone_number_invalid"),
        ({"source": None}, "invalid"),
        ({"source": " "}, "invalid"),
        ({"source": "a" * 201}, "invalid"),
        ({"end_timestamp": 1}, "end_timestamp_invalid"),
        ({"numbers": "1"}, "field_unknown"),
    ],
)
async def test_what_cannot_be_kept_is_refused(app: FastAPI, pool: Pool, fields: dict[str, object], code: str) -> None:
    async with owner(app, await seed(pool)) as asker:
        answer = await post(asker, "add", 400, **{"source": "told an agent", **fields})
    assert answer["code"] == code
