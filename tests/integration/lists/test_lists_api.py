"""Lists over HTTP and on the command line: what was uploaded is a thing that can be read, held and called off."""

import csv
import io
from hashlib import sha256

from calloff.db.pool import Pool
from tests.integration.lists.conftest import Caller, anybody
from tests.support.api_process import ApiProcess

CSV = b"destination,name\n+16175551234,Ann\nnonsense,Bob\n+16175551235,Zo\xc3\xab\n"


async def _uploaded(caller: Caller, name: str = "Friday") -> str:
    answer = await caller.upload(CSV, list_name=name)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["list_id"])


async def test_an_upload_is_a_list_from_then_on(caller: Caller) -> None:
    list_id = await _uploaded(caller)
    found = (await caller.client.get(f"/api/lists/{list_id}")).json()["list"]
    assert found == {
        "list_id": list_id,
        "application_id": str(caller.seed.application_id),
        "deployment_id": str(caller.seed.deployment_id),
        "name": "Friday",
        "state": "running",
        "queued_timestamp": found["queued_timestamp"],
        "queued_by": caller.seed.email,
        "origin": "api 127.0.0.1",
        "sha256": sha256(CSV).hexdigest(),
        "accepted": 2,
        "rejected": 1,
        "waiting": 2,
        "in_progress": 0,
        "over": 0,
        "results": {},
        "ended_timestamp": None,
        "cancellation": None,
    }


async def test_a_list_is_called_off_alone(caller: Caller) -> None:
    wrong, right = await _uploaded(caller, "wrong"), await _uploaded(caller, "right")
    for _ in range(2):
        answer = await caller.client.delete(f"/api/lists/{wrong}")
        assert (answer.status_code, answer.content) == (202, b"")
    found = (await caller.client.get(f"/api/lists/{wrong}")).json()["list"]
    assert (found["state"], found["results"], found["cancellation"]["scope"]) == ("canceled", {"canceled": 2}, "list")
    assert found["cancellation"]["canceled_by"] == caller.seed.email
    assert (await caller.client.get(f"/api/lists/{right}")).json()["list"]["state"] == "running"
    calls = caller.path.replace("bulk_queue", "calls")
    by_status = {
        status: len((await caller.client.get(calls, params={"status": status})).json()["calls"])
        for status in ("queued", "canceled")
    }
    assert by_status == {"queued": 2, "canceled": 2}
    # The receipts of the deployment are those of the deployment.
    receipts = await caller.client.get(caller.path.replace("bulk_queue", "cancellations"))
    assert receipts.json()["cancellations"] == []


async def test_a_list_is_paused_and_goes_on(caller: Caller) -> None:
    list_id = await _uploaded(caller)
    for action, state in (("pause", "paused"), ("resume", "running")):
        answer = await caller.client.post(f"/api/lists/{list_id}/{action}")
        assert answer.json() == {"paused": action == "pause"}
        assert (await caller.client.get(f"/api/lists/{list_id}")).json()["list"]["state"] == state


async def test_the_results_have_the_columns_of_the_list(caller: Caller) -> None:
    list_id = await _uploaded(caller)
    await caller.client.delete(f"/api/lists/{list_id}")
    answer = await caller.client.get(f"/api/lists/{list_id}/results")
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["destination"], row["name"], row["status"]) for row in rows] == [
        ("'+16175551234", "Ann", "canceled"),
        ("'+16175551235", "Zoë", "canceled"),
    ]
    again = await caller.upload(answer.content)
    assert (again.json()["queued"], again.json()["rejected"]) == (2, 0)


async def test_of_a_list_with_pci_the_results_keep_the_numbers(caller: Caller) -> None:
    answer = await caller.upload(CSV, is_pci="1")
    text = (await caller.client.get(f"/api/lists/{answer.json()['list_id']}/results")).text
    assert "Ann" not in text
    assert "555" not in text


async def test_lists_are_those_that_one_may_view(caller: Caller, api: ApiProcess, pool: Pool) -> None:
    first, second = await _uploaded(caller), await _uploaded(caller)
    async with anybody(api, pool) as stranger:
        own = await _uploaded(stranger)
        page = (await caller.client.get("/api/lists", params={"limit": 1})).json()
        assert ([each["list_id"] for each in page["lists"]], page["next_before"]) == ([second], second)
        page = (await caller.client.get("/api/lists", params={"before": second})).json()
        assert ([each["list_id"] for each in page["lists"]], page["next_before"]) == ([first], None)
        assert [each["list_id"] for each in (await stranger.client.get("/api/lists")).json()["lists"]] == [own]
        for method, path in (("GET", ""), ("GET", "/results"), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume")):
            theirs = await stranger.client.request(method, f"/api/lists/{first}{path}")
            nobodys = await stranger.client.request(method, f"/api/lists/999999{path}")
            assert (theirs.status_code, theirs.content) == (404, nobodys.content)
    assert (await caller.client.get(f"/api/lists/{first}")).json()["list"]["state"] == "running"


async def test_a_repeated_upload_is_the_same_list(caller: Caller) -> None:
    answers = [await caller.upload(CSV, key="once", list_name="Friday") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len((await caller.client.get("/api/lists")).json()["lists"]) == 1


async def test_a_list_without_a_name_is_called_by_its_time(caller: Caller) -> None:
    answer = await caller.upload(CSV)
    found = (await caller.client.get(f"/api/lists/{answer.json()['list_id']}")).json()["list"]
    assert found["name"].startswith("List of 20")


async def test_a_name_that_is_none_is_refused(caller: Caller) -> None:
    for name in ("a" * 201, "two\nlines"):
        answer = await caller.upload(CSV, list_name=name)
        assert (answer.status_code, answer.json()["code"]) == (400, "list_name_invalid")
