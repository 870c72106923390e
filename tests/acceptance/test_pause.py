"""`POST pause` and `POST resume` (contract, *Extensions*)."""

from collections.abc import Callable

import pytest

from tests.acceptance import tenants
from tests.acceptance.conftest import Ask
from tests.acceptance.expect import NO_DEPLOYMENT, assert_error, read_xml
from tests.acceptance.tenants import Database, Deployment
from tests.acceptance.test_queue import assert_queued, details
from tests.acceptance.test_scenes import names, until_over

NOW = {"phone_number": "6175551234"}


def test_nothing_starts_between_pause_and_resume(ask: Ask, database: Database, deployment: Deployment) -> None:
    paused = ask("POST", deployment.path("pause"))
    assert (paused.status_code, paused.json()) == (200, {"paused": True})
    waiting = assert_queued(ask("POST", deployment.path("queue"), data=NOW))
    other = tenants.new_deployment(database, deployment.owner)
    until_over(ask, assert_queued(ask("POST", other.path("queue"), data=NOW)))
    assert names(details(ask, waiting)) == ["queued"]
    resumed = ask("POST", deployment.path("resume"))
    assert (resumed.status_code, resumed.json()) == (200, {"paused": False})
    assert until_over(ask, waiting)["status"] == "completed"


def test_repeating_is_harmless_and_xml_says_the_same(ask: Ask, deployment: Deployment) -> None:
    for action, value in (("pause", "true"), ("pause", "true"), ("resume", "false"), ("resume", "false")):
        response = ask("POST", deployment.path(action), headers={"accept": "application/xml"})
        assert (response.status_code, read_xml(response.content)) == (200, {"paused": value})


def test_a_paused_deployment_can_be_called_off(ask: Ask, deployment: Deployment) -> None:
    ask("POST", deployment.path("pause"))
    waiting = assert_queued(ask("POST", deployment.path("queue"), data=NOW))
    assert ask("DELETE", deployment.path("cancel")).status_code == 202
    ask("POST", deployment.path("resume"))
    after = assert_queued(ask("POST", deployment.path("queue"), data=NOW))
    until_over(ask, after)
    assert names(details(ask, waiting)) == ["queued", "canceled"]


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_an_unknown_deployment_is_404(ask: Ask, deployment: Deployment, later: Callable[..., str], action: str) -> None:
    later()
    response = ask("POST", f"/api/apps/{deployment.application_id}/999999999/{action}")
    assert_error(response, 404, NO_DEPLOYMENT)
