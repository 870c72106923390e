"""`GET calls` and `GET cancellations` (contract, *Extensions*)."""

import time
from collections.abc import Callable

import pytest

from tests.acceptance import tenants
from tests.acceptance.conftest import Ask
from tests.acceptance.expect import as_xml_value, assert_error, read_xml
from tests.acceptance.tenants import Database, Deployment
from tests.acceptance.test_queue import details
from tests.acceptance.test_scenes import wait_until


def test_calls_are_listed_newest_first_as_their_status_reads(
    ask: Ask, deployment: Deployment, later: Callable[..., str]
) -> None:
    ids = [later() for _ in range(3)]
    response = ask("GET", deployment.path("calls"))
    assert response.json() == {"calls": [details(ask, call_id) for call_id in reversed(ids)], "next_before": None}
    as_xml = ask("GET", deployment.path("calls"), headers={"accept": "application/xml"})
    assert read_xml(as_xml.content) == as_xml_value(response.json())


def test_pages_join_without_a_gap_while_calls_are_queued(
    ask: Ask, deployment: Deployment, later: Callable[..., str]
) -> None:
    ids = [later() for _ in range(7)]
    found: list[str] = []
    before: dict[str, str] = {}
    while True:
        page = ask("GET", deployment.path("calls"), params={"limit": "3", **before}).json()
        assert len(page["calls"]) <= 3
        found += [call["call_id"] for call in page["calls"]]
        if page["next_before"] is None:
            break
        before = {"before": page["next_before"]}
        later()
    assert found == ids[::-1]


def test_calls_can_be_filtered_by_status(ask: Ask, deployment: Deployment, later: Callable[..., str]) -> None:
    canceled = [later() for _ in range(2)]
    ask("DELETE", deployment.path("cancel"))
    queued = later()
    answered = later(start_timestamp="0")
    wait_until(ask, answered, lambda found: found["status"] == "completed")
    for status, expected in (
        ("queued", [queued]),
        ("canceled", canceled[::-1]),
        ("completed", [answered]),
        ("failed", []),
        ("dialing", []),
        ("connected", []),
    ):
        page = ask("GET", deployment.path("calls"), params={"status": status}).json()
        assert [call["call_id"] for call in page["calls"]] == expected
        assert {call["status"] for call in page["calls"]} <= {status}


def test_only_its_own_calls_are_listed(
    ask: Ask, database: Database, deployment: Deployment, later: Callable[..., str]
) -> None:
    later()
    sibling = tenants.new_deployment(database, deployment.owner, application_id=deployment.application_id)
    assert ask("GET", sibling.path("calls")).json() == {"calls": [], "next_before": None}
    assert read_xml(ask("GET", sibling.path("calls"), headers={"accept": "application/xml"}).content)


@pytest.mark.parametrize("list_", ["calls", "cancellations"])
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=abc",
        "limit=",
        "limit=1000000",
        "limit=\u0663",
        "limit=99999999999999999999",
        "before=0",
        "before=-5",
        "before=x",
        "before=99999999999999999999",
        "before=%00",
        "unknown=1",
        "limit=1&limit=2",
        "status=nothing",
        "status=",
        "status=queued%00",
        "status=%FF",
    ],
)
def test_what_a_query_cannot_mean_is_400(ask: Ask, deployment: Deployment, list_: str, query: str) -> None:
    response = ask("GET", f"{deployment.path(list_)}?{query}")
    assert query.partition("=")[0] in assert_error(response, 400)


def test_a_cancellation_says_who_when_from_where_and_how_many(
    ask: Ask, deployment: Deployment, later: Callable[..., str]
) -> None:
    path = deployment.path("cancellations")
    assert ask("GET", path).json() == {"cancellations": [], "next_before": None}
    for _ in range(3):
        later()
    ask("DELETE", deployment.path("cancel"))
    ask("DELETE", deployment.path("cancel"))
    deadline = time.monotonic() + 60
    while (found := ask("GET", path)).json()["cancellations"][1]["settled_calls"] < 3:
        assert time.monotonic() < deadline, found.text
        assert found.json()["cancellations"][1]["canceled_calls"] == 3
        time.sleep(0.02)
    newest, oldest = found.json()["cancellations"]
    assert (newest["canceled_calls"], newest["settled_calls"]) == (0, 0)
    assert (oldest["canceled_calls"], oldest["settled_calls"]) == (3, 3)
    for cancellation in (newest, oldest):
        assert cancellation["canceled_by"].lower() == deployment.owner.email.lower()
        assert "127.0.0.1" in cancellation["origin"]
        assert type(cancellation["canceled_at"]) is int
        assert abs(cancellation["canceled_at"] - time.time()) < 60
    as_xml = ask("GET", path, headers={"accept": "application/xml"})
    assert read_xml(as_xml.content) == as_xml_value(found.json())
    first = ask("GET", path, params={"limit": "1"}).json()
    assert first["cancellations"] == [newest]
    second = ask("GET", path, params={"limit": "1", "before": first["next_before"]}).json()
    assert second["cancellations"] == [oldest]
