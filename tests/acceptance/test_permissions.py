"""Who may do what: another account's things do not exist (404), one's own account's may be forbidden (403)."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest

from tests.acceptance import tenants
from tests.acceptance.conftest import Ask
from tests.acceptance.expect import NO_DEPLOYMENT, assert_error
from tests.acceptance.tenants import Database, Deployment, User

LATER = {"phone_number": "6175551234", "start_timestamp": "4000000000"}


@dataclass(frozen=True)
class Route:
    """A request, the permission that it needs, and what it answers to whoever has that."""

    method: str
    action: str
    permission: str
    status: int

    def ask(self, http: httpx.Client, user: User, deployment: Deployment, call_id: str, xml: bool) -> httpx.Response:
        path = f"/api/outbound/{call_id}" if self.action == "call" else deployment.path(self.action)
        headers = {"accept": "application/xml" if xml else "application/json"}
        data = LATER if self.action == "queue" else None
        files = {"csv": ("list.csv", "destination\n6175551234\n")} if self.action == "bulk_queue" else None
        return http.request(self.method, path, auth=user.auth, headers=headers, data=data, files=files)


ROUTES = [
    Route("POST", "queue", "queue", 200),
    Route("POST", "bulk_queue", "queue", 200),
    Route("GET", "call", "view", 200),
    Route("GET", "calls", "view", 200),
    Route("GET", "cancellations", "view", 200),
    Route("POST", "pause", "cancel", 200),
    Route("POST", "resume", "queue", 200),
    Route("DELETE", "call", "cancel", 202),
    Route("DELETE", "cancel", "cancel", 202),
]
ALL = {"view", "queue", "cancel", "administer"}
PEOPLE: dict[str, set[str]] = {
    "owner": ALL,
    "account administrator": ALL,
    "shared: view": {"view"},
    "shared: queue": {"queue"},
    "shared: cancel": {"cancel"},
    "shared: view, queue and cancel": {"view", "queue", "cancel"},
    "shared: nothing": set(),
    "colleague": set(),
}
STRANGERS = ["stranger", "administrator of another account"]


def make(database: Database, who: str, deployment: Deployment) -> User:
    """The person who is called this."""
    if who == "owner":
        return deployment.owner
    if who in STRANGERS:
        account = tenants.new_account(database)
        return tenants.new_user(database, account, administrator=who != "stranger")
    user = tenants.new_user(database, deployment.owner.account_id, administrator=who == "account administrator")
    if who.startswith("shared"):
        tenants.share(database, deployment, user, **dict.fromkeys(PEOPLE[who], True))
    return user


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
@pytest.mark.parametrize("who", list(PEOPLE))
def test_within_the_account(
    http: httpx.Client, database: Database, deployment: Deployment, later: Callable[..., str], who: str, xml: bool
) -> None:
    user = make(database, who, deployment)
    for route in ROUTES:
        call_id = later()
        before = tenants.queued_calls(database, deployment)
        response = route.ask(http, user, deployment, call_id, xml)
        if route.permission in PEOPLE[who]:
            assert response.status_code == route.status, (route, response.text)
        else:
            assert_error(response, 403, xml=xml)
            assert tenants.queued_calls(database, deployment) == before
            assert unchanged(http, deployment, call_id)


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
@pytest.mark.parametrize("who", STRANGERS)
def test_from_another_account(
    http: httpx.Client, database: Database, deployment: Deployment, later: Callable[..., str], who: str, xml: bool
) -> None:
    user = make(database, who, deployment)
    own = tenants.new_deployment(database, user)
    nowhere = tenants.Deployment(999999999, own.application_id, user)
    crossed = [
        tenants.Deployment(deployment.id, own.application_id, user),
        tenants.Deployment(own.id, deployment.application_id, user),
    ]
    call_id = later()
    for route in ROUTES:
        unknown = route.ask(http, user, nowhere, "999999999", xml)
        for target in [deployment, *([] if route.action == "call" else crossed)]:
            response = route.ask(http, user, target, call_id, xml)
            assert_error(response, 404, None if route.action == "call" else NO_DEPLOYMENT, xml=xml)
            assert response.content == unknown.content
    assert tenants.queued_calls(database, deployment) == 1
    assert tenants.queued_calls(database, own) == 0
    assert unchanged(http, deployment, call_id)


def unchanged(http: httpx.Client, deployment: Deployment, call_id: str) -> bool:
    """Whether the call waits and its deployment is neither canceled nor paused."""
    status = http.get(f"/api/outbound/{call_id}", auth=deployment.owner.auth).json()
    return bool(status["call_details"]["status"] == "queued")


def test_a_share_of_one_application_says_nothing_about_another(
    http: httpx.Client, database: Database, owner: User, deployment: Deployment
) -> None:
    user = tenants.new_user(database, owner.account_id)
    tenants.share(database, deployment, user, view=True, queue=True, cancel=True, administer=True)
    other = tenants.new_deployment(database, owner)
    assert http.delete(deployment.path("cancel"), auth=user.auth).status_code == 202
    assert_error(http.delete(other.path("cancel"), auth=user.auth), 403)
    assert_error(http.post(other.path("queue"), data=LATER, auth=user.auth), 403)


def test_403_comes_before_400_and_409_and_after_404(
    http: httpx.Client, database: Database, deployment: Deployment, later: Callable[..., str], ask: Ask
) -> None:
    colleague = make(database, "colleague", deployment)
    path = deployment.path("queue")
    assert_error(http.post(path, data={"nonsense": "1"}, auth=colleague.auth), 403)
    assert_error(http.post(path, content=b"x", headers={"content-type": "text/plain"}, auth=colleague.auth), 403)
    assert_error(http.post(path, content=b"x" * 3_000_000, auth=colleague.auth), 403)
    call_id = later()
    ask("DELETE", f"/api/outbound/{call_id}")
    assert_error(http.delete(f"/api/outbound/{call_id}", auth=colleague.auth), 403)
    nowhere = f"/api/apps/{deployment.application_id}/999999999/queue"
    assert_error(http.post(nowhere, data=LATER, auth=colleague.auth), 404, NO_DEPLOYMENT)
