"""`GET` and `DELETE /api/outbound/{call_id}` (contract, *Status* and *Extensions*)."""

import json
import time
from collections.abc import Callable

import pytest

from tests.acceptance.conftest import Ask
from tests.acceptance.expect import as_xml_value, assert_error, media_type, read_xml
from tests.acceptance.tenants import Deployment
from tests.acceptance.test_queue import assert_queued, details

DOCUMENTED = [
    "max_attempts",
    "attempts",
    "events",
    "phone_number",
    "status",
    "queued_timestamp",
    "start_timestamp",
    "end_timestamp",
    "reattempt_wait",
    "duration",
    "call_id",
    "result",
    "sip_code",
    "callee_type",
]


def test_of_a_waiting_call(ask: Ask, deployment: Deployment) -> None:
    now = int(time.time())
    sent = {
        "phone_number": "6175551234",
        "start_timestamp": str(now + 3600),
        "end_timestamp": str(now + 7200),
        "max_attempts": "3",
        "reattempt_wait": "300",
    }
    call_id = assert_queued(ask("POST", deployment.path("queue"), data=sent))
    response = ask("GET", f"/api/outbound/{call_id}")
    assert media_type(response) == "application/json"
    assert list(response.json()) == ["call_details"]
    found = response.json()["call_details"]
    assert list(found)[: len(DOCUMENTED)] == DOCUMENTED
    queued = found["events"][0]["timestamp"]
    assert type(queued) is int
    assert abs(queued - now) <= 60
    documented = {name: found[name] for name in DOCUMENTED[:9] + DOCUMENTED[10:11]}
    assert documented == {
        "max_attempts": "3",
        "attempts": "0",
        "events": [{"event": "queued", "timestamp": queued}],
        "phone_number": "6175551234",
        "status": "queued",
        "queued_timestamp": str(queued),
        "start_timestamp": str(now + 3600),
        "end_timestamp": str(now + 7200),
        "reattempt_wait": "300",
        "call_id": call_id,
    }


def test_json_is_written_as_documented(ask: Ask, later: Callable[..., str]) -> None:
    """A blank after each colon and comma, and UTF-8 as it is, like every other body."""
    response = ask("GET", f"/api/outbound/{later()}")
    assert response.text == json.dumps(response.json(), ensure_ascii=False)


def test_xml_says_what_json_says(ask: Ask, later: Callable[..., str]) -> None:
    call_id = later(max_attempts="2", reattempt_wait="60")
    as_json = ask("GET", f"/api/outbound/{call_id}")
    as_xml = ask("GET", f"/api/outbound/{call_id}", headers={"accept": "application/xml"})
    assert media_type(as_xml) == "application/xml"
    read = read_xml(as_xml.content)
    assert read == as_xml_value(as_json.json())
    assert isinstance(read, dict)
    assert list(read["call_details"]) == list(as_json.json()["call_details"])


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_call_is_404(ask: Ask, method: str, xml: bool) -> None:
    headers = {"accept": "application/xml" if xml else "application/json"}
    assert "call" in assert_error(ask(method, "/api/outbound/999999999", headers=headers), 404, xml=xml)


def test_a_pending_call_can_be_canceled_alone(ask: Ask, later: Callable[..., str]) -> None:
    call_id, other = later(), later()
    response = ask("DELETE", f"/api/outbound/{call_id}")
    assert (response.status_code, response.content) == (202, b"")
    found = details(ask, call_id)
    assert found["status"] == "canceled"
    assert [event["event"] for event in found["events"]] == ["queued", "canceled"]
    assert details(ask, other)["status"] == "queued"


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
def test_a_call_that_is_not_pending_is_409(
    ask: Ask, deployment: Deployment, later: Callable[..., str], xml: bool
) -> None:
    headers = {"accept": "application/xml" if xml else "application/json"}
    alone, together = later(), later()
    ask("DELETE", f"/api/outbound/{alone}")
    ask("DELETE", deployment.path("cancel"))
    for call_id in (alone, together):
        assert_error(ask("DELETE", f"/api/outbound/{call_id}", headers=headers), 409, xml=xml)
        assert len(details(ask, call_id)["events"]) == 2
