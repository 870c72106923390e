"""What Prometheus reads of a `calloff serve` that dials: each process says its part, and the API tells all of it."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.serving import Served, serving


def test_a_dialer_at_work_shows_in_the_metrics(database_url: str, data_dir: Path) -> None:
    with serving(data_dir, database_url=database_url, env={"CALLOFF_PORTS": "7"}) as served, served.client() as client:
        # A renewal of the dialer's lease falls into each of these calls.
        served.json("admin", "trunk", "set", "1", "--speed", "0.5")
        _queue(client, "6175550001", max_attempts="2", reattempt_wait="60")
        _queue(client, "6175550002", result_url="http://127.0.0.1:1/")
        _queue(client, "6175551234")
        _until(served, lambda found: found["calloff_dialer_ports_in_use"] > 0)
        over = _until(
            served,
            lambda found: (
                found.get("calloff_dials_total result=busy") == 1
                and found.get("calloff_dials_total result=no_answer") == 1
                and found.get("calloff_dials_total result=answered") == 1
                and found["calloff_dialer_ports_in_use"] == 0
                and found["calloff_callbacks_failing"] == 1
            ),
        )
    assert over["calloff_dialer_ports"] == 7
    assert over["calloff_calls status=queued"] == 1, "the busy one is tried again"
    assert over["calloff_results_total result=no_answer"] == over["calloff_results_total result=answered"] == 1
    assert over.get("calloff_results_total result=busy", 0) == 0, "no call has ended so"
    assert over["calloff_callbacks_waiting"] == 1
    for step in ("claim", "start", "invite"):
        name = "calloff_dialer_step_duration_seconds"
        assert over[f"{name}_count step={step}"] == over[f"{name}_bucket le=+Inf step={step}"]
        assert 0 < over[f"{name}_sum step={step}"] < 60
    assert over["calloff_dialer_step_duration_seconds_count step=claim"] >= 1
    assert over["calloff_dialer_step_duration_seconds_count step=start"] == 3
    assert over["calloff_dialer_step_duration_seconds_count step=invite"] == 3


def _queue(client: httpx.Client, phone_number: str, **fields: str) -> None:
    answer = client.post("/api/apps/1/1/queue", data={"phone_number": phone_number, **fields})
    assert answer.status_code == 200, answer.text


def _until(served: Served, is_so: Callable[[dict[str, float]], bool]) -> dict[str, float]:
    deadline = time.monotonic() + 60
    while not is_so(found := _samples(served)):
        if time.monotonic() > deadline:
            pytest.fail(f"that did not show in time: {found}")
        time.sleep(0.1)
    return found


def _samples(served: Served) -> dict[str, float]:
    """Each value by its name and its labels, without those of the one deployment and the one dialer."""
    answer = httpx.get(f"{served.url}/metrics", trust_env=False)
    assert answer.status_code == 200
    one = {"deployment_id", "dialer_id", "name"}
    return {
        " ".join(
            [
                sample.name,
                *(f"{name}={text}" for name, text in sorted(sample.labels.items()) if name not in one and text),
            ]
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
