"""`/metrics`: what Prometheus reads."""

import hmac
from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from starlette.responses import Response

from calloff.api.authentication import pool_of
from calloff.domain.errors import NotPermitted
from calloff.upkeep.latencies import BOUNDS
from calloff.upkeep.measure import Measures, measure

router = APIRouter()


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The metrics of this process and of the whole system, to this machine or to whoever has the token."""
    _check_access(request)
    own: CollectorRegistry = request.app.state.registry
    measures = await measure(pool_of(request))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(measures))
    return Response(generate_latest(own) + generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _check_access(request: Request) -> None:
    token: str | None = request.app.state.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            raise NotPermitted("The metrics need their token. Send it as Authorization: Bearer.")
        return
    # Behind a proxy on this machine, everybody seems to be on it.
    is_forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "via"))
    if is_forwarded or not _is_local(request) or not _is_no_strangers_name(request.url.hostname):
        raise NotPermitted("The metrics are for this machine only. Set CALLOFF_METRICS_TOKEN to read them elsewhere.")


def _is_local(request: Request) -> bool:
    return request.client is not None and ip_address(request.client.host).is_loopback


def _is_no_strangers_name(host: str | None) -> bool:
    """A page of anybody's, open in a browser on this machine, can let its own name lead here and read the answer."""
    if host is None or host == "localhost":
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class _Collected:
    def __init__(self, measures: Measures) -> None:
        self._measures = measures

    def collect(self) -> Iterable[Metric]:
        """Everything that was measured (prometheus_client, *Custom Collectors*)."""
        yield from _calls(self._measures)
        yield from _queues(self._measures)
        yield from _dialers(self._measures)
        yield from _callbacks(self._measures)


def _calls(measures: Measures) -> Iterator[Metric]:
    calls = GaugeMetricFamily(
        "calloff_calls", "Calls that are kept, by status and result.", labels=("deployment_id", "status", "result")
    )
    for row in measures.calls:
        calls.add_metric((str(row["deployment_id"]), row["status"], row["result"]), row["calls"])
    results = CounterMetricFamily(
        "calloff_results", "Calls that ended, by result, canceled ones included.", labels=("deployment_id", "result")
    )
    for row in measures.results:
        results.add_metric((str(row["deployment_id"]), row["result"]), row["calls"])
    held = GaugeMetricFamily(
        "calloff_oldest_held_call_age_seconds",
        "How long the call has been dialing or connected that has been so for longest.",
        labels=("deployment_id", "status"),
    )
    for row in measures.held:
        held.add_metric((str(row["deployment_id"]), row["status"]), row["oldest_seconds"])
    yield from (calls, results, held)


def _queues(measures: Measures) -> Iterator[Metric]:
    labels = ("deployment_id",)
    cancellations = CounterMetricFamily("calloff_cancellations", "Times everything was called off.", labels=labels)
    unsettled = GaugeMetricFamily(
        "calloff_unsettled_calls", "Canceled calls that are yet to be written down.", labels=labels
    )
    oldest = GaugeMetricFamily(
        "calloff_oldest_due_call_age_seconds", "How long the call that is due first has been due.", labels=labels
    )
    for row in measures.queues:
        deployment = (str(row["deployment_id"]),)
        cancellations.add_metric(deployment, row["cancellations"])
        unsettled.add_metric(deployment, row["unsettled"])
        oldest.add_metric(deployment, row["oldest_due_seconds"])
    yield from (cancellations, unsettled, oldest)


def _dialers(measures: Measures) -> Iterator[Metric]:
    labels = ("dialer_id", "name")
    ports = GaugeMetricFamily("calloff_dialer_ports", "Calls that the dialer can hold.", labels=labels)
    used = GaugeMetricFamily("calloff_dialer_ports_in_use", "Calls that the dialer holds.", labels=labels)
    steps = HistogramMetricFamily(
        "calloff_dialer_step_duration_seconds",
        "How long a claim, a start, and the way from start to INVITE took.",
        labels=(*labels, "step"),
    )
    dials = CounterMetricFamily(
        "calloff_dials", "Attempts of the dialer that ended, by result.", labels=(*labels, "result")
    )
    for row in measures.dialers:
        dialer = (str(row["id"]), row["name"])
        ports.add_metric(dialer, row["ports"])
        used.add_metric(dialer, row["ports_in_use"])
        for step, latencies in row["latencies"].items():
            steps.add_metric((*dialer, step), _cumulated(latencies["buckets"]), latencies["sum"])
        for result, ended in row["dials"].items():
            dials.add_metric((*dialer, result), ended)
    yield from (ports, used, steps, dials)


def _cumulated(buckets: list[int]) -> list[tuple[str, float]]:
    bounds = [*map(str, BOUNDS), "+Inf"]
    return [(bound, float(sum(buckets[: place + 1]))) for place, bound in enumerate(bounds)]


def _callbacks(measures: Measures) -> Iterator[Metric]:
    for kind, text in (
        ("waiting", "Callbacks on their way, counted up to 100,000."),
        ("failing", "Those of them that failed at least once."),
    ):
        yield GaugeMetricFamily(f"calloff_callbacks_{kind}", text, value=measures.callbacks[kind])
