"""`DELETE /api/apps/{application_id}/{deployment_id}/cancel` (contract, *Cancel all pending calls*)."""

from collections.abc import Callable

import httpx
import pytest

from tests.acceptance import tenants
from tests.acceptance.conftest import Ask
from tests.acceptance.expect import NO_DEPLOYMENT, assert_error
from tests.acceptance.tenants import Database, Deployment, User

JSON, XML = {"accept": "application/json"}, {"accept": "application/xml"}


def assert_accepted(response: httpx.Response) -> None:
    """202 without a body."""
    assert response.status_code == 202, response.text
    assert response.content == b""
    assert response.headers.get("content-length", "0") == "0"
    assert "transfer-encoding" not in response.headers


@pytest.mark.parametrize("headers", [JSON, XML, {}], ids=["json", "xml", "none"])
def test_answers_202_without_a_body(
    ask: Ask, deployment: Deployment, later: Callable[..., str], headers: dict[str, str]
) -> None:
    call_id = later()
    assert_accepted(ask("DELETE", deployment.path("cancel"), headers=headers))
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "canceled"


def test_an_empty_queue_and_a_repetition_are_202_too(ask: Ask, deployment: Deployment) -> None:
    assert_accepted(ask("DELETE", deployment.path("cancel")))
    assert_accepted(ask("DELETE", deployment.path("cancel")))


def test_a_canceled_call_has_its_event(ask: Ask, deployment: Deployment, later: Callable[..., str]) -> None:
    call_id = later()
    ask("DELETE", deployment.path("cancel"))
    at_once = ask("GET", f"/api/outbound/{call_id}").json()["call_details"]
    assert at_once["status"] == "canceled"
    assert [event["event"] for event in at_once["events"]] == ["queued", "canceled"]
    assert at_once["attempts"] == "0"
    assert 0 <= at_once["events"][1]["timestamp"] - at_once["events"][0]["timestamp"] <= 60
    ask("DELETE", deployment.path("cancel"))
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["events"] == at_once["events"]


def test_what_is_queued_afterwards_is_untouched(ask: Ask, deployment: Deployment, later: Callable[..., str]) -> None:
    before = later()
    ask("DELETE", deployment.path("cancel"))
    after = later()
    assert ask("GET", f"/api/outbound/{before}").json()["call_details"]["status"] == "canceled"
    assert ask("GET", f"/api/outbound/{after}").json()["call_details"]["status"] == "queued"


def test_only_its_own_deployment_is_canceled(
    ask: Ask, database: Database, owner: User, deployment: Deployment, later: Callable[..., str]
) -> None:
    call_id = later()
    sibling = tenants.new_deployment(database, owner, application_id=deployment.application_id)
    assert_accepted(ask("DELETE", sibling.path("cancel")))
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "queued"


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
def test_an_unknown_deployment_is_404_to_the_byte(ask: Ask, deployment: Deployment, xml: bool) -> None:
    response = ask("DELETE", f"/api/apps/{deployment.application_id}/999999999/cancel", headers=XML if xml else JSON)
    assert_error(response, 404, NO_DEPLOYMENT, xml=xml)
    if xml:
        assert response.content == (
            b'<?xml version="1.0"?>\n<result>\n'
            b"  <error>No deployment was found by that application id and deployment id.</error>\n</result>"
        )
    else:
        assert response.content == (
            b'{"error": "No deployment was found by that application id and deployment id.", '
            b'"code": "deployment_not_found"}'
        )


def test_a_deployment_of_another_application_is_404(
    ask: Ask, database: Database, owner: User, deployment: Deployment, later: Callable[..., str]
) -> None:
    call_id = later()
    other = tenants.new_deployment(database, owner)
    crossed = f"/api/apps/{other.application_id}/{deployment.id}/cancel"
    assert_error(ask("DELETE", crossed), 404, NO_DEPLOYMENT)
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "queued"


@pytest.mark.parametrize("table", ["deployment", "application"])
def test_a_deleted_deployment_is_404(ask: Ask, database: Database, deployment: Deployment, table: str) -> None:
    delete(database, deployment, table)
    assert_error(ask("DELETE", deployment.path("cancel")), 404, NO_DEPLOYMENT)


@pytest.mark.parametrize("body", [b"anything", b"\x00\xff" * 1000], ids=["text", "bytes"])
def test_a_body_changes_nothing(ask: Ask, deployment: Deployment, later: Callable[..., str], body: bytes) -> None:
    call_id = later()
    assert_accepted(ask("DELETE", deployment.path("cancel"), content=body))
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "canceled"


def delete(database: Database, deployment: Deployment, table: str) -> None:
    """Delete the deployment or its application, as an administrator does."""
    row = deployment.id if table == "deployment" else deployment.application_id
    database.execute(f"UPDATE {table} SET deleted_at = now() WHERE id = %s".encode(), [row])
