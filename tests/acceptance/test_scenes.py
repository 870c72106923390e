"""Whole calls on the simulated trunk: dialed, answered or not, tried again, and over."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance import tenants
from tests.acceptance.conftest import Ask
from tests.acceptance.expect import as_xml_value, assert_error, read_xml
from tests.acceptance.tenants import Database, Deployment, User
from tests.acceptance.test_queue import assert_queued, details

ANSWERED = ["queued", "dialing", "connected", "disconnected"]
NOT_ANSWERED = ["queued", "dialing", "failed"]
OVER = {"completed", "failed", "canceled"}

SCENES = {
    "0001": ("failed", "busy", 486, None, NOT_ANSWERED),
    "0002": ("failed", "no_answer", 480, None, NOT_ANSWERED),
    "0003": ("failed", "declined", 603, None, NOT_ANSWERED),
    "0004": ("failed", "invalid_number", 404, None, NOT_ANSWERED),
    "0005": ("failed", "carrier_error", 503, None, NOT_ANSWERED),
    "0006": ("completed", "answered", 200, "answeringmachine", ANSWERED),
    "0007": ("completed", "answered", 200, "fax", ANSWERED),
    "1234": ("completed", "answered", 200, "voice", ANSWERED),
}


def wait_until(ask: Ask, call_id: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The details of the call, as soon as this is so of them."""
    deadline = time.monotonic() + 60
    while not is_so(found := details(ask, call_id)):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def until_over(ask: Ask, call_id: str) -> dict[str, Any]:
    """The details of the call, as soon as it is over."""
    return wait_until(ask, call_id, lambda found: found["status"] in OVER)


def names(found: dict[str, Any]) -> list[str]:
    """What happened to the call, in order of time."""
    times = [event["timestamp"] for event in found["events"]]
    assert times == sorted(times)
    assert {type(at) for at in times} == {int}
    return [event["event"] for event in found["events"]]


@pytest.mark.parametrize("ending", list(SCENES))
def test_a_call_to_each_kind_of_number(ask: Ask, deployment: Deployment, ending: str) -> None:
    status, result, sip_code, callee_type, events = SCENES[ending]
    call_id = assert_queued(ask("POST", deployment.path("queue"), data={"phone_number": f"617555{ending}"}))
    found = until_over(ask, call_id)
    assert names(found) == events
    at = {event["event"]: event["timestamp"] for event in found["events"]}
    assert found["max_attempts"] == "1"
    assert found["attempts"] == "1"
    assert found["phone_number"] == f"617555{ending}"
    assert found["queued_timestamp"] == str(at["queued"])
    assert (found["status"], found["result"], found["sip_code"]) == (status, result, sip_code)
    assert found["call_id"] == call_id
    if events is ANSWERED:
        assert found["callee_type"] == callee_type
        assert found["start_timestamp"] == str(at["connected"])
        assert found["end_timestamp"] == str(at["disconnected"])
        assert type(found["duration"]) is int
        assert found["duration"] == at["disconnected"] - at["connected"]
    else:
        assert found["callee_type"] not in ("voice", "answeringmachine", "fax")
    as_xml = ask("GET", f"/api/outbound/{call_id}", headers={"accept": "application/xml"})
    assert read_xml(as_xml.content) == as_xml_value({"call_details": found})


def test_what_is_dialing_or_connected_goes_on_to_its_own_end(ask: Ask, database: Database, owner: User) -> None:
    slow = tenants.new_deployment(database, owner, speed=1)
    call_id = assert_queued(ask("POST", slow.path("queue"), data={"phone_number": "6175551234"}))
    for status in ("dialing", "connected"):
        found = wait_until(ask, call_id, lambda found: found["status"] == status)  # noqa: B023
        assert (found["attempts"], found["result"], found["duration"]) == ("1", None, None)
        assert ask("DELETE", slow.path("cancel")).status_code == 202
        assert_error(ask("DELETE", f"/api/outbound/{call_id}"), 409)
        assert details(ask, call_id)["status"] != "canceled"
    assert found["start_timestamp"] == str(found["events"][2]["timestamp"])
    found = until_over(ask, call_id)
    assert (found["status"], found["result"]) == ("completed", "answered")
    # It talks for two seconds; which whole seconds these are is chance.
    assert found["duration"] in (1, 2, 3)
    assert names(found) == ANSWERED


def test_a_busy_number_is_tried_again_until_no_attempt_is_left(
    ask: Ask, database: Database, deployment: Deployment
) -> None:
    sent = {"phone_number": "6175550001", "max_attempts": "3", "reattempt_wait": "86400"}
    call_id = assert_queued(ask("POST", deployment.path("queue"), data=sent))
    for attempt in (1, 2):
        found = wait_until(ask, call_id, lambda found: names(found).count("failed") == attempt)  # noqa: B023
        assert (found["status"], found["attempts"]) == ("queued", str(attempt))
        assert names(found) == ["queued", *["dialing", "failed"] * attempt]
        make_due(database, call_id)
    found = until_over(ask, call_id)
    assert (found["status"], found["attempts"], found["result"]) == ("failed", "3", "busy")
    assert names(found) == ["queued", *["dialing", "failed"] * 3]


def test_an_attempt_waits_for_its_time(ask: Ask, database: Database, deployment: Deployment) -> None:
    sent = {"phone_number": "6175550002", "max_attempts": "2", "reattempt_wait": "3600"}
    call_id = assert_queued(ask("POST", deployment.path("queue"), data=sent))
    wait_until(ask, call_id, lambda found: names(found).count("failed") == 1)
    waits = database.execute("SELECT due_at > now() + interval '50 min' FROM call WHERE id = %s", [call_id]).fetchone()
    assert waits


def test_a_call_that_waits_for_another_attempt_can_be_called_off(ask: Ask, deployment: Deployment) -> None:
    sent = {"phone_number": "6175550005", "max_attempts": "2", "reattempt_wait": "60"}
    call_id = assert_queued(ask("POST", deployment.path("queue"), data=sent))
    wait_until(ask, call_id, lambda found: names(found).count("failed") == 1)
    assert ask("DELETE", deployment.path("cancel")).status_code == 202
    found = details(ask, call_id)
    assert (found["status"], found["attempts"]) == ("canceled", "1")
    assert names(found) == ["queued", "dialing", "failed", "canceled"]


def test_a_number_that_does_not_exist_is_not_tried_again(ask: Ask, deployment: Deployment) -> None:
    sent = {"phone_number": "6175550004", "max_attempts": "10", "reattempt_wait": "60"}
    found = until_over(ask, assert_queued(ask("POST", deployment.path("queue"), data=sent)))
    assert (found["status"], found["attempts"], found["max_attempts"]) == ("failed", "1", "10")


def test_a_call_is_not_dialed_before_its_window_opens(
    ask: Ask, database: Database, deployment: Deployment, later: Callable[..., str]
) -> None:
    call_id = later()
    until_over(ask, assert_queued(ask("POST", deployment.path("queue"), data={"phone_number": "6175551234"})))
    assert names(details(ask, call_id)) == ["queued"]
    make_due(database, call_id)
    assert until_over(ask, call_id)["status"] == "completed"


def test_a_call_whose_window_closes_fails_as_expired(ask: Ask, database: Database, deployment: Deployment) -> None:
    now = int(time.time())
    window = {"start_timestamp": str(now + 3600), "end_timestamp": str(now + 7200)}
    sent = {"phone_number": "6175551234", **window}
    call_id = assert_queued(ask("POST", deployment.path("queue"), data=sent))
    database.execute(
        "UPDATE call SET start_at = now() - interval '2 hours', due_at = now() - interval '2 hours', "
        "queued_at = now() - interval '2 hours', end_at = now() - interval '1 hour' WHERE id = %s",
        [call_id],
    )
    found = until_over(ask, call_id)
    assert (found["status"], found["attempts"], found["result"]) == ("failed", "0", "expired")
    assert names(found) == ["queued", "expired"]


def test_variables_and_keys_to_press_do_not_keep_a_call_from_ending(ask: Ask, deployment: Deployment) -> None:
    sent = {
        "phone_number": "tel:+16175551234;ani=8009957586;postd=1w2",
        "variables": json.dumps({"name": "Zoë <&>"}),
        "is_pci": "1",
    }
    found = until_over(ask, assert_queued(ask("POST", deployment.path("queue"), data=sent)))
    assert (found["status"], found["phone_number"]) == ("completed", "+16175551234")


def make_due(database: Database, call_id: str) -> None:
    """Let the next attempt be due now, instead of waiting for it."""
    database.execute("UPDATE call SET due_at = now(), start_at = least(start_at, now()) WHERE id = %s", [call_id])
    database.execute("SELECT pg_notify('calloff_due', '')")
