"""The SIP trunk alone, against SIPp: how many calls a second it sets up and ends, and how soon an INVITE is out."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.report import Figure, milliseconds, percentile
from bench.stage import FULL
from calloff.db.background import end_tasks
from calloff.domain.permits import Permit
from calloff.domain.results import Result
from calloff.media.events import Statistics
from calloff.sip.trace import Trace
from calloff.trunks.base import Connected, Ended, Leg, TooLate, boot_time
from calloff.trunks.sip import SipTrunk
from calloff.trunks.sip_endpoint import SipEndpoint
from calloff.trunks.sip_settings import SipEndpointSettings, SipTrunkSettings
from calloff.wiring.garbage import collect_when_idle
from tests.conformance.far_end import free_port

RATE = 200
SECONDS = 60 if FULL else 10
HELD = 1.5
"""Seconds of each call."""
AT_ONCE = 500
"""Calls that are hung up together."""


async def measure_rates() -> list[Figure]:
    """Set up `RATE` calls a second, each hung up after `HELD` seconds; then hang up `AT_ONCE` at once."""
    return [*await _set_ups(), await _hang_ups()]


async def _set_ups() -> list[Figure]:
    calls = RATE * SECONDS
    traces: dict[str, Trace] = {}
    decided: dict[str, float] = {}
    async with _trunk(traces) as trunk:
        collecting = asyncio.create_task(collect_when_idle(lambda: trunk.legs))
        tasks = []
        late_ones = 0
        began = asyncio.get_running_loop().time()
        for number in range(calls):
            await asyncio.sleep(began + number / RATE - asyncio.get_running_loop().time())
            permit = _permit(number)
            decided[permit.dialog.sip_call_id] = time.time()
            try:
                tasks.append(asyncio.create_task(_hold(trunk, await trunk.dial(permit), HELD)))
            except TooLate:
                late_ones += 1  # The machine stood still for a second; the dialer would withdraw it.
        took = asyncio.get_running_loop().time() - began
        results = await asyncio.gather(*tasks)
        async with asyncio.timeout(10):
            while len(traces) < len(tasks):
                await asyncio.sleep(0.05)
    await end_tasks(collecting)
    answered = sum(result is Result.ANSWERED for result in results)
    delays = [trace.messages[0].at - decided[call_id] for call_id, trace in traces.items()]
    twice = sum(
        len({_branch(m.data) for m in trace.messages if m.data.startswith(b"INVITE ")}) > 1 for trace in traces.values()
    )
    late = percentile(delays, 0.99)
    return [
        Figure(
            f"set-ups a second in one process, {calls:,} calls of {HELD} s, all answered",
            f"{calls / took:.0f}/s, {answered:,} answered, {twice} dialed twice, {late_ones} not sent in time",
            f"{RATE}/s asked for",
            calls / took / RATE,
            "all of them",
            answered == calls - late_ones and not twice,
        ),
        Figure(
            f"from decision to wire, p99, at {RATE} set-ups a second",
            milliseconds(late),
            f"p50 {milliseconds(percentile(delays, 0.5))}",
            None,
            "2 ms",
            late <= 0.002,
        ),
    ]


async def _hang_ups() -> Figure:
    traces: dict[str, Trace] = {}
    async with _trunk(traces) as trunk:
        legs = []
        for number in range(AT_ONCE):
            legs.append(await trunk.dial(_permit(number)))
            await asyncio.sleep(1 / RATE)
        for leg in legs:
            while not isinstance(await leg.next_event(), Connected):
                pass
        began = time.time()
        for leg in legs:
            await trunk.hang_up(leg)
        for leg in legs:
            while not isinstance(await leg.next_event(), Ended):
                pass
        async with asyncio.timeout(10):
            while len(traces) < AT_ONCE:
                await asyncio.sleep(0.05)
    byes = [next(m.at for m in trace.messages if m.data.startswith(b"BYE ")) - began for trace in traces.values()]
    return Figure(
        f"{AT_ONCE} hang-ups at once: the last BYE is out after",
        milliseconds(max(byes)),
        f"half of them after {milliseconds(percentile(byes, 0.5))}",
        None,
        "200 ms",
        max(byes) <= 0.2,
    )


async def _hold(trunk: SipTrunk, leg: Leg, seconds: float) -> Result:
    while not isinstance(event := await leg.next_event(), Connected | Ended):
        pass
    if isinstance(event, Connected):
        await asyncio.sleep(seconds)
        await trunk.hang_up(leg)
        while not isinstance(event := await leg.next_event(), Ended):
            pass
    return event.result


@asynccontextmanager
async def _trunk(traces: dict[str, Trace]) -> AsyncIterator[SipTrunk]:
    """A trunk to SIPp's own server scenario, which hands its traces on."""
    port = free_port()
    sipp = await asyncio.create_subprocess_exec(
        "sipp",
        "-sn",
        "uas",
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-nostdin",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    endpoint = SipEndpoint(SipEndpointSettings("127.0.0.1", sip_port=0, rtp_ports=(20000, 40000), rtp_timeout=0))

    def keep(permit: Permit, trace: Trace, _statistics: Statistics | None) -> None:
        traces[permit.dialog.sip_call_id] = trace

    trunk = SipTrunk(SipTrunkSettings(f"sip:127.0.0.1:{port}"), endpoint, keep)
    await asyncio.sleep(1)  # SIPp tells nobody when it is there.
    await trunk.start()
    try:
        yield trunk
    finally:
        await trunk.stop()
        sipp.kill()
        await sipp.wait()


def _permit(number: int) -> Permit:
    return Permit.for_test_call(f"+1617555{number % 10000:04}", None, ring_timeout=30, deadline=boot_time() + 1)


def _branch(message: bytes) -> bytes:
    return message.split(b"branch=", 1)[1].split(b"\r\n", 1)[0].split(b";", 1)[0]
