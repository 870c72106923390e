"""`calloff serve` as its users meet it: the first start, crashes of each part, the end, and the next start."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.acceptance import tenants
from tests.support.serving import command, environment, serving


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory that PostgreSQL's own user can reach, as it cannot reach those that pytest makes."""
    with tempfile.TemporaryDirectory(prefix="calloff-serve-") as directory:
        yield Path(directory)


def test_the_first_words_can_be_pasted_and_its_end_leaves_nothing(data_dir: Path) -> None:
    with serving(data_dir) as served:
        words = served.output.read_text()
        queue, status, cancel = [line.strip() for line in words.splitlines() if line.strip().startswith("curl ")]
        assert '"call_id": "1"' in _shell(queue)
        assert '"status"' in _shell(status)
        assert _shell(cancel) == ""
        credentials = data_dir / "credentials.env"
        assert credentials.stat().st_mode & 0o777 == 0o600
        sourced = _shell(f'. {credentials} && echo "$CALLOFF_URL $CALLOFF_EMAIL $CALLOFF_KEY"').split()
        assert sourced == [served.url, served.email, served.key]
        assert served.key in words

        assert served.json("call", "6175551234") == {"id": "2"}
        assert served.run("watch", "2").stdout.splitlines()[-1].endswith("completed (answered)")
        with served.client() as client:
            later = {"phone_number": "6175551234", "start_timestamp": "4000000000"}
            assert client.post("/api/apps/1/1/queue", data=later).json()["call_id"] == "3"
        for nothing in ((), ("",), ("--app", "1"), ("--deployment", "1")):
            refused = served.run("cancel", *nothing)
            assert (refused.returncode, refused.stdout) == (1, ""), nothing
            assert served.json("status", "3")["status"] == "queued"
        assert "deployment 1 of application 1: 1 wait" in refused.stderr
        assert "--yes" in refused.stderr
        receipt = served.json("cancel", "--deployment", "1", "--yes")["receipt"]
        assert receipt["canceled_calls"] == 1
        assert served.json("status", "3")["status"] == "canceled"
        refused = served.run("cancel", "3")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert "not pending" in refused.stderr

        _refused_because(["--port", "0"], data_dir, "--data-dir")
        _refused_because(["--port", str(served.port)], data_dir / "other", "--port")
        processes = [pid for pids in served.children().values() for pid in pids]
        assert served.stop() == 0
        assert not any(_alive(pid) for pid in processes)
        log = served.log.read_text()
        assert served.key not in log
        assert "6175551234" not in log

    with serving(data_dir) as again:
        assert again.key == served.key
        assert served.key not in again.output.read_text()
        assert again.credentials["CALLOFF_URL"] == again.url
        assert again.json("status", "2")["status"] == "completed"


def test_what_dies_is_started_anew_and_nothing_outlives_a_kill(data_dir: Path) -> None:
    with serving(data_dir, env={"CALLOFF_DIALERS": "2"}) as served, served.client() as client:
        before = served.children()
        assert {name: len(pids) for name, pids in before.items()} == {"api": 1, "dialer": 2, "webhooks": 1}
        for pid in before["api"] + before["dialer"]:
            os.kill(pid, signal.SIGKILL)
        # The socket stays open meanwhile, so that the request only waits.
        assert client.get("/readyz").status_code == 200
        _until(lambda: len(served.children().get("dialer", [])) == 2)
        call_id = client.post("/api/apps/1/1/queue", data={"phone_number": "6175551234"}).json()["call_id"]
        _until(lambda: _status(client, call_id) == "completed")

        postmaster = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        _until(lambda: client.get("/readyz").status_code == 200 and _status(client, call_id) == "completed")

        children = [pid for pids in served.children().values() for pid in pids]
        assert len(children) == 4
        served.process.kill()
        _until(lambda: not any(_alive(pid) for pid in children))

    with serving(data_dir) as again, again.client() as client:
        assert _status(client, call_id) == "completed"


def test_what_is_older_than_the_retention_is_removed(data_dir: Path, database_url: str) -> None:
    for days in ("3", "1", "-1"):
        _refused_because(["--retention-days", days], data_dir, "0, or 4 days or more: results are tried for three days")
    with tenants.connect(database_url) as database:
        deployment = tenants.new_deployment(database, tenants.new_user(database, tenants.new_account(database)))
        database.execute(
            "INSERT INTO call (deployment_id, epoch, phone_number, queued_at, state, ended_at, result) "
            "SELECT %s, 0, '6175551234', ended_at, 'failed', ended_at, 'busy' "
            "FROM unnest('{1000, 7, 5}'::int[]) AS days, "
            "LATERAL (SELECT now() - make_interval(days => days)) AS x (ended_at)",
            (deployment.id,),
        )
        with serving(data_dir, "--retention-days", "6", database_url=database_url):
            _until(lambda: tenants.queued_calls(database, deployment) < 3)
        [kept] = database.execute("SELECT ended_at > now() - interval '6 days' FROM call").fetchall()
        assert kept


def _refused_because(arguments: list[str], data_dir: Path, hint: str) -> None:
    result = subprocess.run(
        command("serve", *arguments, "--data-dir", str(data_dir)),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert hint in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


def _status(client: httpx.Client, call_id: str) -> str | None:
    answer = client.get(f"/api/outbound/{call_id}")
    return answer.json()["call_details"]["status"] if answer.is_success else None


def _shell(line: str) -> str:
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=30, check=True).stdout


def _alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "that did not happen in time"
        time.sleep(0.05)
