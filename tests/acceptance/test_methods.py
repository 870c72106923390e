"""A wrong method is 405 with `Allow`, before anything else is looked at, and does nothing."""

from collections.abc import Callable

import httpx
import pytest

from tests.acceptance.conftest import Ask
from tests.acceptance.expect import assert_error
from tests.acceptance.tenants import Deployment

ACTIONS = {
    "queue": {"POST"},
    "bulk_queue": {"POST"},
    "cancel": {"DELETE"},
    "calls": {"GET"},
    "cancellations": {"GET"},
    "pause": {"POST"},
    "resume": {"POST"},
}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "PURGE"]
FORM = {"phone_number": "6175551234"}


def assert_not_allowed(response: httpx.Response, allowed: set[str], *, xml: bool = False) -> None:
    """405, with these methods allowed."""
    assert {method.strip() for method in response.headers["allow"].split(",")} == allowed
    if response.request.method == "HEAD":
        assert response.status_code == 405
        assert response.content == b""
    else:
        assert_error(response, 405, xml=xml)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("action", list(ACTIONS))
def test_on_a_deployment(
    ask: Ask, deployment: Deployment, queued: Callable[[], int], later: Callable[..., str], action: str, method: str
) -> None:
    if method in ACTIONS[action] or (method == "HEAD" and "GET" in ACTIONS[action]):
        return
    call_id = later()
    for xml in (False, True):
        headers = {"accept": "application/xml" if xml else "application/json"}
        response = ask(method, deployment.path(action), data=FORM, headers=headers)
        assert_not_allowed(response, ACTIONS[action], xml=xml)
    assert queued() == 1
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "queued"


@pytest.mark.parametrize("method", [method for method in METHODS if method not in ("GET", "HEAD", "DELETE")])
def test_on_a_call(ask: Ask, later: Callable[..., str], method: str) -> None:
    call_id = later()
    assert_not_allowed(ask(method, f"/api/outbound/{call_id}"), {"GET", "DELETE"})
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "queued"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/apps/999/999/queue", {"POST"}),
        ("/api/apps/x/y/cancel", {"DELETE"}),
        ("/api/outbound/0", {"GET", "DELETE"}),
    ],
)
def test_comes_before_credentials_and_existence(http: httpx.Client, path: str, allowed: set[str]) -> None:
    assert_not_allowed(http.request("PUT", path), allowed)
    assert_not_allowed(http.request("PUT", path, auth=("nobody@example.com", "wrong")), allowed)
    assert_not_allowed(http.request("PUT", path, content=b"x" * 100_000), allowed)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_cannot_be_overridden(
    ask: Ask, later: Callable[..., str], deployment: Deployment, header: str
) -> None:
    call_id = later()
    response = ask("POST", deployment.path("cancel"), headers={header: "DELETE"}, data={"_method": "DELETE"})
    assert_not_allowed(response, {"DELETE"})
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "queued"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/",
        "/api/apps",
        "/api/apps/1",
        "/api/nothing",
        "/apis",
        "/api/outbound",
        "/api/outbound/",
        "//",
    ],
)
@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
def test_an_unknown_path_is_404(ask: Ask, path: str, xml: bool) -> None:
    for method in ("GET", "POST", "DELETE"):
        response = ask(method, path, headers={"accept": "application/xml" if xml else "*/*"})
        assert_error(response, 404, xml=xml)


@pytest.mark.parametrize("change", ["//", "/cancel", "x", "%2f", "%00", ";a=b"])
def test_a_path_is_taken_exactly(ask: Ask, deployment: Deployment, later: Callable[..., str], change: str) -> None:
    call_id = later()
    assert_error(ask("DELETE", deployment.path("cancel") + change), 404)
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "queued"
