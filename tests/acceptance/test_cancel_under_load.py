"""Calling off hundreds of calls while dialers work on them (design, promise S1)."""

import time
from concurrent.futures import ThreadPoolExecutor

from tests.acceptance import tenants
from tests.acceptance.conftest import Ask
from tests.acceptance.tenants import Database, User
from tests.acceptance.test_queue import assert_queued, details
from tests.acceptance.test_scenes import OVER, names, until_over

CALLS = 200
LINES = 8


def test_nothing_that_was_pending_is_dialed_after_the_202(ask: Ask, database: Database, owner: User) -> None:
    deployment = tenants.new_deployment(database, owner, max_concurrent_calls=LINES)
    path = deployment.path("queue")

    def queue(number: int) -> str:
        return assert_queued(ask("POST", path, data={"phone_number": f"61755{number:05}"}))

    ask("POST", deployment.path("pause"))
    with ThreadPoolExecutor(4) as clients:
        call_ids = list(clients.map(queue, range(11000, 11000 + CALLS)))
        ask("POST", deployment.path("resume"))
        while not any(details(ask, call_id)["status"] in OVER for call_id in call_ids[:LINES]):
            time.sleep(0.01)
        assert ask("DELETE", deployment.path("cancel")).status_code == 202
        at_once = dict(zip(call_ids, clients.map(lambda call_id: details(ask, call_id), call_ids), strict=True))
        afterwards = queue(99999)
        finally_ = dict(zip(call_ids, clients.map(lambda call_id: until_over(ask, call_id), call_ids), strict=True))

    canceled = {call_id for call_id, found in at_once.items() if found["status"] == "canceled"}
    assert 0 < len(canceled) < CALLS, "nothing was called off, or nothing dialed: this says nothing"
    for call_id in call_ids:
        assert at_once[call_id]["status"] != "queued"
        if call_id in canceled:
            assert names(finally_[call_id]) == ["queued", "canceled"]
            assert finally_[call_id]["attempts"] == "0"
        else:
            assert finally_[call_id]["status"] == "completed"
            assert "dialing" in names(at_once[call_id])
    assert len([found for found in at_once.values() if found["status"] in ("dialing", "connected")]) <= LINES
    assert until_over(ask, afterwards)["status"] == "completed"
    assert (
        database.execute(
            "SELECT count(*) FROM call WHERE deployment_id = %s AND state = 'canceled' AND attempts > 0",
            [deployment.id],
        ).fetchone()
        == 0
    )
