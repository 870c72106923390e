"""`POST /api/apps/{application_id}/{deployment_id}/queue` (contract, *Queue one call*): what is taken."""

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.conftest import Ask
from tests.acceptance.expect import NO_DEPLOYMENT, assert_error, read_xml
from tests.acceptance.service import Service
from tests.acceptance.tenants import Database, Deployment
from tests.acceptance.test_bodies import head
from tests.acceptance.test_cancel import delete

NUMBER = "6175551234"
LATER = {"phone_number": NUMBER, "start_timestamp": "4000000000"}


def assert_queued(response: httpx.Response) -> str:
    """200, a call ID and a link to its status. Returns the ID."""
    assert response.status_code == 200, response.text
    call_id: str = response.json()["call_id"]
    assert response.content == b'{"call_id": "%s"}' % call_id.encode()
    assert response.headers["content-type"].startswith("application/json")
    assert call_id.isascii()
    assert int(call_id) > 0
    link = response.headers["link"]
    assert link.startswith("<")
    assert link.endswith(f'/api/outbound/{call_id}>; rel="status"')
    return call_id


def details(ask: Ask, call_id: str) -> dict[str, Any]:
    response = ask("GET", f"/api/outbound/{call_id}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["call_details"]
    return found


def test_answers_the_id_and_a_link_to_the_status(ask: Ask, deployment: Deployment) -> None:
    response = ask("POST", deployment.path("queue"), data=LATER)
    call_id = assert_queued(response)
    status = ask("GET", response.headers["link"].partition("<")[2].partition(">")[0])
    assert status.json()["call_details"]["call_id"] == call_id


def test_answers_in_xml_too(ask: Ask, deployment: Deployment) -> None:
    response = ask("POST", deployment.path("queue"), data=LATER, headers={"accept": "application/xml"})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("application/xml")
    body = read_xml(response.content)
    assert isinstance(body, dict)
    assert list(body) == ["call_id"]
    assert response.headers["link"].endswith(f'/api/outbound/{body["call_id"]}>; rel="status"')
    details(ask, body["call_id"])


def test_takes_every_encoding(ask: Ask, deployment: Deployment, queued: Callable[[], int]) -> None:
    path = deployment.path("queue")
    parts = {name: (None, value) for name, value in LATER.items()}
    ids = {
        assert_queued(ask("POST", path, data=LATER)),
        assert_queued(ask("POST", path, files=parts)),
        assert_queued(ask("POST", path, json=LATER)),
        assert_queued(
            ask(
                "POST",
                path,
                content=f"phone_number={NUMBER}&start_timestamp=4000000000",
                headers={"content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8"},
            )
        ),
        assert_queued(
            ask("POST", path, content=json.dumps(LATER), headers={"content-type": "application/json; charset=utf-8"})
        ),
    }
    assert len(ids) == 5
    assert queued() == 5


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("6175551234", "6175551234"),
        ("16175551234", "16175551234"),
        ("+16175551234", "+16175551234"),
        ("tel:+16175551234", "+16175551234"),
        ("16175551234;ani=8009957586", "16175551234"),
        ("16175551234;postd=2", "16175551234"),
        ("tel:+16175551234;ani=8009957586;postd=2", "+16175551234"),
        ("tel:+16175551234;postd=2;ani=+18009957586", "+16175551234"),
        ("(617) 555-1234", "6175551234"),
        ("617.555.1234", "6175551234"),
        ("+1 617-555-1234;ani=(800) 995-7586;postd=w12#*ABCD,p0", "+16175551234"),
        ("617\u20135551234", "6175551234"),
        ("617\u2010555\u20101234", "6175551234"),
        ("617\u00a05551234", "6175551234"),
        ("\u202a6175551234\u202c", "6175551234"),
        ("+49 (0)30 1234567", "+490301234567"),
    ],
)
def test_takes_every_way_to_write_a_number(ask: Ask, deployment: Deployment, sent: str, shown: str) -> None:
    call_id = assert_queued(ask("POST", deployment.path("queue"), data={**LATER, "phone_number": sent}))
    assert details(ask, call_id)["phone_number"] == shown


def test_takes_every_field_at_its_limits(ask: Ask, deployment: Deployment) -> None:
    path, now = deployment.path("queue"), int(time.time())
    window = {"start_timestamp": str(now + 3600), "end_timestamp": str(now + 7200)}
    for extra in (
        {"max_attempts": "1"},
        {"max_attempts": "1", "reattempt_wait": "60"},
        {"max_attempts": "2", "reattempt_wait": "60"},
        {"max_attempts": "10", "reattempt_wait": "86400"},
        {"result_url": "https://example.com/results?from=calloff&to=%C3%A9"},
        {"result_url": "http://example.com:8080/"},
        {"is_pci": "0"},
        {"is_pci": "1"},
        {"variables": json.dumps({"name": "Zoë", "empty": "", "emoji": "☎️"})},
    ):
        call_id = assert_queued(ask("POST", path, data={"phone_number": NUMBER, **window, **extra}))
        found = details(ask, call_id)
        assert found["max_attempts"] == extra.get("max_attempts", "1")
        assert found["start_timestamp"] == window["start_timestamp"]
        assert found["end_timestamp"] == window["end_timestamp"]
        if "reattempt_wait" in extra:
            assert found["reattempt_wait"] == extra["reattempt_wait"]


def test_json_takes_numbers_as_numbers(ask: Ask, deployment: Deployment) -> None:
    body = {"phone_number": NUMBER, "start_timestamp": 4000000000, "max_attempts": 3, "reattempt_wait": 300.0}
    found = details(ask, assert_queued(ask("POST", deployment.path("queue"), json={**body, "is_pci": 0})))
    assert (found["start_timestamp"], found["max_attempts"], found["reattempt_wait"]) == ("4000000000", "3", "300")


def test_a_start_in_the_past_is_now(ask: Ask, deployment: Deployment) -> None:
    sent = {"phone_number": NUMBER, "start_timestamp": "1475095892"}
    call_id = assert_queued(ask("POST", deployment.path("queue"), data=sent))
    assert abs(int(details(ask, call_id)["queued_timestamp"]) - time.time()) < 60


@pytest.mark.parametrize("table", ["deployment", "application"])
@pytest.mark.usefixtures("nothing_queued")
def test_a_deleted_deployment_is_409(ask: Ask, database: Database, deployment: Deployment, table: str) -> None:
    delete(database, deployment, table)
    for xml in (False, True):
        headers = {"accept": "application/xml" if xml else "application/json"}
        assert_error(ask("POST", deployment.path("queue"), data=LATER, headers=headers), 409, xml=xml)


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
def test_an_unknown_deployment_is_404(ask: Ask, deployment: Deployment, xml: bool) -> None:
    headers = {"accept": "application/xml" if xml else "application/json"}
    path = f"/api/apps/{deployment.application_id}/999999999/queue"
    assert_error(ask("POST", path, data=LATER, headers=headers), 404, NO_DEPLOYMENT, xml=xml)


@pytest.mark.parametrize(
    "host",
    [b"example.com:8080", b"[::1]:80", b"", b"[::1", b"a:b:c", b"a b", b"a\xff", b"a>; rel=x", b"a/b?c#d", b"a:99999"],
    ids=ascii,
)
def test_no_host_keeps_the_answer_back(service: Service, deployment: Deployment, host: bytes) -> None:
    """The call is queued by then; a link to its status that is no link would be worse than one to our address."""
    body = b"phone_number=6175551234&start_timestamp=4000000000"
    fields = ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    request = head(deployment.owner, deployment.path("queue"), *fields) + b"\r\n" + body
    answer = service.exchange(request.replace(b"Host: calloff", b"Host: " + host))
    assert answer.status_code == 200
    call_id = json.loads(answer.content)["call_id"]
    link = re.fullmatch(r'<(http://[^<>"\s]+)>; rel="status"', answer.headers["link"])
    assert link is not None
    assert urlsplit(link[1]).path == f"/api/outbound/{call_id}"
