"""Requests a second of one API process."""

from bench.dialers import run_dialers, settled
from bench.report import Figure, milliseconds, percentile
from bench.stage import FULL, many, stage
from calloff.db.embedded import EmbeddedServer

_SECONDS = 20 if FULL else 5


async def measure_requests(running: EmbeddedServer) -> list[Figure]:
    """Queueing, and reading while others dial."""
    async with stage(running) as staged:
        nothing, nothings = await many(staged.port, staged.request("POST", f"{staged.path}/nothing"), seconds=_SECONDS)
        queue = staged.request("POST", f"{staged.path}/queue", b"phone_number=6175551234")
        queued, queues = await many(staged.port, queue, seconds=_SECONDS)
    async with stage(running) as staged:
        await staged.fill(40_000 * (_SECONDS + 2))
        status = staged.request("GET", "/api/outbound/150000")
        idle, _ = await many(staged.port, status, seconds=_SECONDS)
        dialers = run_dialers(
            staged.url, staged.seed.deployment_id, processes=1, tasks=1, at_once=3, seconds=_SECONDS + 2
        )
        busy, reads = await many(staged.port, status, seconds=_SECONDS)
        calls = settled(dialers) / (_SECONDS + 2)
    return [
        Figure(
            "single queue requests, one API process",
            f"{queued:,.0f}/s, {_latencies(queues)}",
            f"request that does nothing {nothing:,.0f}/s, {_latencies(nothings)}",
            queued / nothing,
            "",
        ),
        Figure(
            f"status reads while dialing {calls:,.0f} calls/s",
            f"{busy:,.0f}/s, p99 {milliseconds(percentile(reads, 0.99))}",
            f"while nothing is dialed {idle:,.0f}/s",
            busy / idle,
            "",
        ),
    ]


def _latencies(took: list[float]) -> str:
    return f"p50 {milliseconds(percentile(took, 0.5))}, p99 {milliseconds(percentile(took, 0.99))}"
