"""Real SIP calls of one dialer process to SIPp: how soon after the start, how evenly, how many, and what they cost."""

import asyncio
import re
import tempfile
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from bench.report import Figure, milliseconds, percentile
from bench.stage import FULL, Stage, stage
from calloff.calls.submit import submit
from calloff.db.embedded import EmbeddedServer
from calloff.domain.calls import NewCall
from calloff.domain.phone import Destination
from calloff.trunks.sip import SipTrunk
from calloff.trunks.sip_endpoint import SipEndpoint
from calloff.trunks.sip_settings import CallerIdHeader, SipEndpointSettings, SipTrunkSettings
from tests.conformance.far_end import far_end
from tests.support.dialing import dialing

RATE = 50.0
CALLS = 250 if FULL else 150
_HELD_SECONDS = 3.0
_INVITE = re.compile(
    r"^-{20,}\s*(\d{4}-\d\d-\d\d)\s+(\d\d:\d\d:\d\d\.\d+)\n[^\n]*received[^\n]*\n\nINVITE sip:(\+?\d+)@", re.MULTILINE
)


async def measure_sip(server: EmbeddedServer) -> list[Figure]:
    """Dial `CALLS` numbers at `RATE` a second over the queue, the dialer and the SIP trunk, and hold them all."""
    with tempfile.TemporaryDirectory(prefix="calloff-bench-") as directory:
        async with stage(server) as staged, far_end("answer", Path(directory), calls=CALLS + 1) as far:
            endpoint = SipEndpoint(SipEndpointSettings("127.0.0.1", sip_port=0, rtp_timeout=0))
            settings = SipTrunkSettings(f"sip:127.0.0.1:{far.port}", caller_id_header=CallerIdHeader.PAI)
            trunk = SipTrunk(settings, endpoint)
            async with dialing(staged.pool, staged.url, trunk, Path(directory), ports=1000, drain_timeout=0):
                cost = await _dial_and_hold(staged)
            [log] = Path(directory).glob("*.log")
            return [*_figures(_arrivals(log.read_text()), await _starts(staged)), cost]


async def _dial_and_hold(staged: Stage) -> Figure:
    async with staged.pool.connection() as connection:
        await connection.execute("UPDATE deployment SET calls_per_second = %s", (RATE,))
    for number in range(CALLS):
        await submit(staged.pool, staged.seed.deployment_id, NewCall(Destination(f"+1617555{number:04}")))
    async with asyncio.timeout(CALLS / RATE + 30):
        while (held := await _connected(staged)) < CALLS:
            await asyncio.sleep(0.1)
    used, began = time.process_time(), time.perf_counter()
    await asyncio.sleep(_HELD_SECONDS)
    share = (time.process_time() - used) / (time.perf_counter() - began) / held
    return Figure(
        "calls that one dialer process held at once",
        f"{held}",
        "all that were dialed",
        held / CALLS,
        f"{share:.2%} of a core each",
    )


def _figures(arrivals: dict[str, float], starts: dict[str, float]) -> list[Figure]:
    delays = [arrivals[number] - starts[number] for number in arrivals]
    times = sorted(arrivals.values())
    gaps = [later - earlier for earlier, later in pairwise(times)]
    window = max(sum(start <= at < start + 0.2 for at in times) for start in times)
    late = percentile(delays, 0.99)
    return [
        Figure(
            f"INVITE on the wire after its start, p99, at {RATE:.0f} calls a second",
            milliseconds(late),
            f"p50 {milliseconds(percentile(delays, 0.5))}",
            None,
            "12 ms",
            late < 0.012,
        ),
        Figure(
            f"most INVITEs within 0.2 s at the wire, at {RATE:.0f} calls a second",
            f"{window}",
            f"{RATE * 0.2:.0f}, an even pace",
            window / (RATE * 0.2),
            f"no bursts; gap p50 {milliseconds(percentile(gaps, 0.5))}, p99 {milliseconds(percentile(gaps, 0.99))}",
        ),
    ]


def _arrivals(log: str) -> dict[str, float]:
    """When SIPp saw the first INVITE for each number, in Unix seconds."""
    found: dict[str, float] = {}
    for date, clock, number in _INVITE.findall(log):
        found.setdefault(number, datetime.fromisoformat(f"{date}T{clock}").astimezone().timestamp())
    return found


async def _starts(staged: Stage) -> dict[str, float]:
    """When the database started each call, in Unix seconds."""
    async with staged.pool.connection() as connection:
        cursor = await connection.execute("SELECT phone_number, events -> 0 ->> 'timestamp' AS started FROM call")
        return {row["phone_number"]: float(row["started"]) for row in await cursor.fetchall()}


async def _connected(staged: Stage) -> int:
    async with staged.pool.connection() as connection:
        row = await (await connection.execute("SELECT count(*) AS n FROM call WHERE state = 'connected'")).fetchone()
    return 0 if row is None else int(row["n"])
