"""What is taken although it is not written as documented, because only one thing can be meant; and what is not."""

import httpx
import pytest

from tests.acceptance.conftest import Ask
from tests.acceptance.expect import assert_error
from tests.acceptance.tenants import Database, Deployment
from tests.acceptance.test_queue import LATER, assert_queued, details


@pytest.mark.parametrize("number", ["TEL:+16175551234;ANI=8009957586;PostD=2", "6175551234;ani=;postd="])
def test_case_and_empty_parameters_of_a_number(ask: Ask, deployment: Deployment, number: str) -> None:
    found = details(ask, assert_queued(ask("POST", deployment.path("queue"), data={**LATER, "phone_number": number})))
    assert found["phone_number"].endswith("6175551234")


@pytest.mark.parametrize(
    ("is_pci", "kept"), [("true", True), ("TRUE", True), ("false", False), (True, True), (False, False)]
)
def test_true_and_false(ask: Ask, database: Database, deployment: Deployment, is_pci: str | bool, kept: bool) -> None:
    how = {"json" if isinstance(is_pci, bool) else "data": {**LATER, "is_pci": is_pci}}
    call_id = assert_queued(ask("POST", deployment.path("queue"), **how))
    assert database.execute("SELECT is_pci FROM call WHERE id = %s", [int(call_id)]).fetchall() == [kept]


@pytest.mark.parametrize("is_pci", ["yes", "2", "truefalse"])
def test_nothing_else_is_true_or_false(ask: Ask, deployment: Deployment, is_pci: str) -> None:
    answer = ask("POST", deployment.path("queue"), data={**LATER, "is_pci": is_pci})
    assert_error(answer, 400)
    assert answer.json()["code"] == "is_pci_invalid"


def test_variables_in_brackets(ask: Ask, database: Database, deployment: Deployment) -> None:
    form = {**LATER, "variables[name]": "Anna", "variables[day]": "Monday"}
    call_id = assert_queued(ask("POST", deployment.path("queue"), data=form))
    found = database.execute("SELECT variables FROM call WHERE id = %s", [int(call_id)]).fetchall()
    assert found == [{"name": "Anna", "day": "Monday"}]
    both = ask("POST", deployment.path("queue"), data={**form, "variables": '{"name": "Ben"}'})
    assert_error(both, 400)
    assert both.json()["code"] == "variables_invalid"


def test_what_a_browser_adds(ask: Ask, deployment: Deployment) -> None:
    added = {"submit": "Send", "MAX_FILE_SIZE": "100000"}
    assert_queued(ask("POST", deployment.path("queue"), data={**LATER, **added}))
    files = {"csv": ("list.csv", "destination\n6175551234\n")}
    assert ask("POST", deployment.path("bulk_queue"), data=added, files=files).json()["queued"] == 1
    answer = ask("POST", deployment.path("queue"), json={**LATER, "submit": "Send"})
    assert_error(answer, 400)
    assert answer.json()["code"] == "field_unknown"


def test_a_slash_at_the_end(ask: Ask, deployment: Deployment) -> None:
    call_id = assert_queued(ask("POST", deployment.path("queue") + "/", data=LATER))
    assert ask("GET", f"/api/outbound/{call_id}/").json()["call_details"]["status"] == "queued"
    assert ask("DELETE", deployment.path("cancel") + "/").status_code == 202
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "canceled"
    assert_error(ask("GET", f"/api/outbound/{call_id}//"), 404)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
def test_head_is_get_without_a_body(http: httpx.Client, path: str) -> None:
    head = http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(http.get(path).content))


def test_head_of_a_call(ask: Ask, deployment: Deployment) -> None:
    call_id = assert_queued(ask("POST", deployment.path("queue"), data=LATER))
    answer = ask("HEAD", f"/api/outbound/{call_id}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert ask("HEAD", deployment.path("cancel")).status_code == 405
    assert ask("GET", f"/api/outbound/{call_id}").json()["call_details"]["status"] == "queued"


def test_no_page_may_ask_unless_it_is_named(ask: Ask, deployment: Deployment) -> None:
    page = {"origin": "https://crm.example.com", "access-control-request-method": "POST"}
    for answer in (
        ask("OPTIONS", deployment.path("queue"), headers=page),
        ask("GET", deployment.path("calls"), headers=page),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
