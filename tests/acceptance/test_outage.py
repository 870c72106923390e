"""A real PostgreSQL is stopped under the running service: 500 with an error body, and recovery without a restart."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from calloff.db.embedded import EmbeddedServer
from calloff.db.migrate import migrate
from tests.acceptance import tenants
from tests.acceptance.expect import assert_error
from tests.acceptance.service import running
from tests.support.servers import NOT_DURABLE

LATER = {"phone_number": "6175551234", "start_timestamp": "4000000000"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A PostgreSQL of the test's own, migrated."""
    server = EmbeddedServer(tmp_path, settings=NOT_DURABLE)
    asyncio.run(server.start())
    try:
        asyncio.run(migrate(server.conninfo))
        yield server
    finally:
        asyncio.run(server.stop())


def test_the_database_is_stopped_and_comes_back(server: EmbeddedServer) -> None:
    with running(server.conninfo) as service, httpx.Client(base_url=service.url, timeout=60, trust_env=False) as http:
        with tenants.connect(server.conninfo) as database:
            owner = tenants.new_user(database, tenants.new_account(database))
            deployment = tenants.new_deployment(database, owner)
            second = tenants.new_deployment(database, owner)
        http.auth = owner.auth
        waiting = http.post(deployment.path("queue"), data=LATER).json()["call_id"]
        requests = [
            ("DELETE", deployment.path("cancel"), None),
            ("POST", deployment.path("queue"), LATER),
            ("POST", deployment.path("bulk_queue"), LATER),
            ("GET", f"/api/outbound/{waiting}", None),
            ("DELETE", f"/api/outbound/{waiting}", None),
            ("GET", deployment.path("calls"), None),
            ("GET", deployment.path("cancellations"), None),
            ("POST", deployment.path("pause"), None),
            ("POST", deployment.path("resume"), None),
        ]

        # One cancel is under way when the server stops: it waits for the lock of its queue.
        with tenants.connect(server.conninfo) as database, ThreadPoolExecutor(1) as client:
            database.execute("SELECT pg_advisory_lock(queue_lock_key(%s))", [second.id])
            under_way = client.submit(http.delete, second.path("cancel"))
            while database.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is None:
                assert not under_way.done()
                time.sleep(0.01)
            asyncio.run(server.stop())
            # The session that holds the lock may end a moment before the one that waits: then the cancel is done.
            was_done = under_way.result().status_code == 202
            if not was_done:
                assert_error(under_way.result(), 500)

        def fails(request: tuple[str, str, dict[str, str] | None], xml: bool) -> None:
            method, path, data = request
            headers = {"accept": "application/xml" if xml else "application/json"}
            assert_error(http.request(method, path, data=data, headers=headers), 500, xml=xml)

        with ThreadPoolExecutor(2 * len(requests)) as clients:
            list(clients.map(fails, requests * 2, [False] * len(requests) + [True] * len(requests)))
        assert http.get("/healthz").status_code == 200
        assert http.get("/readyz").status_code == 503
        assert http.put(deployment.path("cancel")).status_code == 405

        asyncio.run(server.start())
        deadline = time.monotonic() + 60
        while http.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline, "the service did not recover"
            time.sleep(0.05)
        status = http.get(f"/api/outbound/{waiting}").json()["call_details"]["status"]
        assert status == "queued", "a cancel that was answered 500 happened while the database was away"
        assert not was_done or len(http.get(second.path("cancellations")).json()["cancellations"]) == 1
        assert http.delete(deployment.path("cancel")).status_code == 202
        assert http.get(f"/api/outbound/{waiting}").json()["call_details"]["status"] == "canceled"

        # The dialer is back too.
        answered = http.post(deployment.path("queue"), data={"phone_number": "6175551234"}).json()["call_id"]
        while http.get(f"/api/outbound/{answered}").json()["call_details"]["status"] != "completed":
            assert time.monotonic() < deadline, "the dialer did not recover"
            time.sleep(0.05)
