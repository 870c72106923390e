"""What Prometheus reads, and who may."""

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from calloff.api.app import create_app
from calloff.calls.cancel import cancel_call, cancel_pending
from calloff.calls.claim import claim
from calloff.calls.settle import Answer, Ending, connect, settle
from calloff.calls.start import start
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import Destination
from calloff.domain.results import Result
from calloff.upkeep.dialers import register, renew
from calloff.upkeep.latencies import Latencies
from calloff.webhooks.outbox import claim_callbacks, mark_delivered, mark_failed
from tests.support.callbacks import over
from tests.support.seed import seed


@pytest.fixture
async def client(pool: Pool, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(pool, database_url), client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def _samples(client: httpx.AsyncClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_they_tell_what_is(client: httpx.AsyncClient, pool: Pool) -> None:
    made = await seed(pool)
    auth = (made.email, made.developer_key)
    path = f"/api/apps/{made.application_id}/{made.deployment_id}"
    for _ in range(3):
        assert (await client.post(f"{path}/queue", data={"phone_number": "6175551234"}, auth=auth)).status_code == 200
    await cancel_pending(pool, made.deployment_id, user_id=None, origin="test")
    assert (await client.post(f"{path}/queue", data={"phone_number": "6175551234"}, auth=auth)).status_code == 200
    assert (await client.get("/nowhere/6175551234")).status_code == 404
    dialer_id = await register(pool, name="one", ports=7)
    latencies = Latencies()
    latencies.observe("start", 0.003)
    latencies.observe("start", 9)
    dials = {Result.BUSY: 3, Result.ANSWERED: 1}
    assert await renew(pool, dialer_id, ports_in_use=2, latencies=latencies, dials=dials)

    samples = await _samples(client)
    deployment = ("deployment_id", str(made.deployment_id))
    dialer = (("dialer_id", str(dialer_id)), ("name", "one"))
    step = (*dialer, ("step", "start"))
    route = ("route", "/api/apps/{application_id}/{deployment_id}/queue")

    def value(name: str, *labels: tuple[str, str]) -> float:
        return samples[name, frozenset(labels)]

    assert value("calloff_calls", deployment, ("status", "queued"), ("result", "")) == 1
    assert value("calloff_calls", deployment, ("status", "canceled"), ("result", "")) == 3
    assert value("calloff_cancellations_total", deployment) == 1
    assert value("calloff_unsettled_calls", deployment) == 3
    assert 0 < value("calloff_oldest_due_call_age_seconds", deployment) < 60
    assert value("calloff_dialer_ports", *dialer) == 7
    assert value("calloff_dialer_ports_in_use", *dialer) == 2
    assert value("calloff_dialer_step_duration_seconds_bucket", *step, ("le", "0.0025")) == 0
    assert value("calloff_dialer_step_duration_seconds_bucket", *step, ("le", "0.005")) == 1
    assert value("calloff_dialer_step_duration_seconds_count", *step) == 2
    assert value("calloff_dials_total", *dialer, ("result", "busy")) == 3
    assert value("calloff_dials_total", *dialer, ("result", "answered")) == 1
    assert value("calloff_callbacks_waiting") == 0
    requests = "calloff_http_request_duration_seconds_count"
    assert value(requests, route, ("method", "POST"), ("status", "200")) == 4
    assert value(requests, ("route", "other"), ("method", "GET"), ("status", "404")) == 1


async def test_they_follow_calls_to_their_results(client: httpx.AsyncClient, pool: Pool) -> None:
    deployment_id = (await seed(pool)).deployment_id
    dialer_id = await register(pool, name="one", ports=7)
    number = Destination("6175551234")
    for _ in range(3):
        await submit(pool, deployment_id, NewCall(number))
    calls, _ = await claim(pool, deployment_id, dialer_id=dialer_id, limit=3)
    claims = [call.claim for call in calls]
    await start(pool, deployment_id, calls)
    await connect(pool, deployment_id, [Answer(claims[1], ago=30)])

    async def value(name: str, **labels: str) -> float:
        found = await _samples(client)
        return found[name, frozenset({"deployment_id": str(deployment_id), **labels}.items())]

    age = "calloff_oldest_held_call_age_seconds"
    assert 0 < await value(age, status="dialing") < 20 < await value(age, status="connected") < 60
    await settle(
        pool, deployment_id, [Ending(claims[0], Result.BUSY, ago=0), Ending(claims[1], Result.ANSWERED, ago=0)]
    )
    await cancel_call(pool, deployment_id, await submit(pool, deployment_id, NewCall(number)))
    for result in ("busy", "answered", "canceled"):
        assert await value("calloff_results_total", result=result) == 1
    assert await value(age, status="connected") == 0


async def test_a_callback_waits_fails_and_is_over(client: httpx.AsyncClient, pool: Pool) -> None:
    async def counted() -> tuple[float, float]:
        found = await _samples(client)
        return found["calloff_callbacks_waiting", frozenset()], found["calloff_callbacks_failing", frozenset()]

    await over(pool, "http://example.com/", calls=3)
    assert await counted() == (3, 0)
    taken = await claim_callbacks(pool, "example.com", 3)
    assert await counted() == (3, 0), "nothing has failed while it is on its way"
    await mark_failed(pool, taken[0], status=500, error="answered 500", wait=300)
    assert await counted() == (3, 1)
    await mark_failed(pool, taken[1], status=410, error="answered 410", wait=None)
    await mark_delivered(pool, taken[2], 200)
    assert await counted() == (1, 1), "what was given up is not on its way"
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO callback (call_id, deployment_id, host) SELECT -n, 1, 'a' FROM generate_series(1, 100001) AS n"
        )
    assert (await counted())[0] == 100_000, "a scrape counts no further"


def _is_of_base_units(family: Metric) -> bool:
    """Prometheus, *Metric and label naming*, as far as it can be seen."""
    words = family.name.split("_")
    return words[0] == "calloff" and not {"ms", "milliseconds", "minutes", "total"} & set(words[1:])


async def test_their_names_are_as_prometheus_wants_them(client: httpx.AsyncClient, pool: Pool) -> None:
    await seed(pool)
    await renew(
        pool, await register(pool, name="one", ports=7), ports_in_use=0, latencies=Latencies(), dials={Result.BUSY: 1}
    )
    await client.get("/metrics")
    text = (await client.get("/metrics")).text
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families) > 10
    for family in families:
        assert _is_of_base_units(family), family.name
        assert family.documentation, family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        # The parser takes the suffix of a counter off; in the text it has to be there.
        assert (f"# TYPE {family.name}_total counter" in text) == (family.type == "counter"), family.name
        assert (family.type == "histogram") == any(each.name.endswith("_bucket") for each in family.samples), (
            family.name
        )


@pytest.mark.parametrize(
    ("client_address", "token", "headers", "status"),
    [
        ("127.0.0.1", None, {}, 200),
        ("::1", None, {}, 200),
        ("10.0.0.1", None, {}, 403),
        ("127.0.0.1", None, {"X-Forwarded-For": "10.0.0.1"}, 403),
        ("10.0.0.1", "secret", {"Authorization": "Bearer secret"}, 200),
        ("10.0.0.1", "secret", {"Authorization": "Bearer secre"}, 403),
        ("127.0.0.1", "secret", {}, 403),
        ("127.0.0.1", None, {"Host": "localhost:8080"}, 200),
        ("::1", None, {"Host": "[::1]:8080"}, 200),
        # A page that somebody on this machine has open, whose name leads here by now.
        ("127.0.0.1", None, {"Host": "evil.example"}, 403),
        ("10.0.0.1", "secret", {"Authorization": "Bearer secret", "Host": "calloff.example"}, 200),
    ],
)
async def test_who_may_read_them(
    pool: Pool, database_url: str, client_address: str, token: str | None, headers: dict[str, str], status: int
) -> None:
    app = create_app(pool, database_url, metrics_token=token)
    transport = httpx.ASGITransport(app, client=(client_address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
        assert (await client.get("/metrics")).status_code == status
