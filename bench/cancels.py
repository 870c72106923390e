"""A cancel at any depth, beside a request that does nothing and a bare commit."""

import asyncio
import time
from statistics import median

from bench.dialers import run_dialers, settled
from bench.report import Figure, milliseconds, percentile
from bench.stage import FULL, Client, Stage, stage
from calloff.calls.cancel import cancel_pending
from calloff.calls.claim import claim
from calloff.calls.submit import submit
from calloff.db.embedded import EmbeddedServer
from calloff.db.pool import open_connection
from calloff.domain.calls import NewCall
from calloff.domain.phone import Destination
from calloff.upkeep.dialers import register

_DEPTHS = (1_000, 100_000, 1_000_000, 10_000_000) if FULL else (1_000, 100_000, 1_000_000)
_ROUNDS = 60
_CLAIMS = 30
_HAMMERED_SECONDS = 60 if FULL else 7


async def measure_cancels(running: EmbeddedServer) -> list[Figure]:
    """All depths, and the first claim after a cancel at the greatest."""
    found, figures = {}, []
    for depth in _DEPTHS:
        async with stage(running) as staged:
            fresh = await _first_claims(staged)
            await staged.fill(depth)
            cancels, nothings, commits = await _cancels(staged)
            floor = median(nothings) + median(commits)
            found[depth] = median(cancels) / floor
            figures.append(
                Figure(
                    f"cancel over HTTP, {depth:,} calls pending",
                    f"{milliseconds(median(cancels))}, p99 {milliseconds(percentile(cancels, 0.99))}",
                    f"request that does nothing {milliseconds(median(nothings))} "
                    f"+ bare commit {milliseconds(median(commits))}",
                    median(cancels) / floor,
                    "at most 2",
                    median(cancels) <= 2 * floor,
                )
            )
            if depth == _DEPTHS[-1]:
                after = await _first_claims(staged, after_cancel=True)
                ratio = median(after) / median(fresh)
                figures.append(
                    Figure(
                        f"first claim after canceling {depth:,}, in {_CLAIMS} rounds of both",
                        milliseconds(median(after)),
                        f"on a fresh table {milliseconds(median(fresh))}",
                        ratio,
                        "at most 1.5",
                        ratio <= 1.5,
                    )
                )
    flat = found[_DEPTHS[-1]] / found[_DEPTHS[0]]
    what = f"cancel with {_DEPTHS[-1]:,} pending, beside {_DEPTHS[0]:,}, each as a multiple of its request and commit"
    line = (f"{found[_DEPTHS[-1]]:.2f}", f"{found[_DEPTHS[0]]:.2f}")
    return [*figures, Figure(what, *line, flat, "at most 1.2", flat <= 1.2), await _hammered(running)]


async def _cancels(staged: Stage) -> tuple[list[float], list[float], list[float]]:
    cancels, nothings, commits = [], [], []
    cancel = staged.request("DELETE", f"{staged.path}/cancel")
    nothing = staged.request("POST", f"{staged.path}/nothing")
    async with Client(staged.port) as client, await open_connection(staged.url) as connection:
        await connection.execute("CREATE TABLE bare (n bigint)")
        await connection.execute("INSERT INTO bare VALUES (0)")
        for number in range(_ROUNDS + 5):
            took = (await client.ask(cancel), await client.ask(nothing))
            started = time.perf_counter()
            await connection.execute("UPDATE bare SET n = n + 1")
            commit = time.perf_counter() - started
            await staged.uncancel()
            if number >= 5:
                cancels.append(took[0])
                nothings.append(took[1])
                commits.append(commit)
    return cancels, nothings, commits


async def _first_claims(staged: Stage, *, after_cancel: bool = False) -> list[float]:
    """What the claim of a call takes that was queued a moment ago, each time on a connection that is used to it."""
    deployment_id = staged.seed.deployment_id
    dialer_id = await register(staged.pool, name="bench", ports=_CLAIMS)
    took = []
    for _ in range(_CLAIMS):
        if after_cancel:
            await staged.uncancel()
            await cancel_pending(staged.pool, deployment_id, user_id=None, origin="bench")
        call_id = await submit(staged.pool, deployment_id, NewCall(Destination("6175551234")))
        started = time.perf_counter()
        calls, _ = await claim(staged.pool, deployment_id, dialer_id=dialer_id, limit=1)
        took.append(time.perf_counter() - started)
        assert [call.claim.call_id for call in calls] == [call_id]
    return took


async def _hammered(running: EmbeddedServer) -> Figure:
    async with stage(running) as staged:
        await staged.fill(30_000 * _HAMMERED_SECONDS)
        cancel = staged.request("DELETE", f"{staged.path}/cancel")
        took, nothings = [], []
        nothing = staged.request("POST", f"{staged.path}/nothing")
        # With more at once, they settle less, and the machine is only more crowded.
        dialers = run_dialers(
            staged.url, staged.seed.deployment_id, processes=2, tasks=4, at_once=1, seconds=_HAMMERED_SECONDS + 3
        )
        await asyncio.sleep(2)
        async with Client(staged.port) as client:
            until = time.perf_counter() + _HAMMERED_SECONDS
            while time.perf_counter() < until:
                took.append(await client.ask(cancel))
                nothings.append(await client.ask(nothing))
                await staged.uncancel()
                await asyncio.sleep(0.02)
        calls = await asyncio.to_thread(settled, dialers)
    worst = percentile(took, 0.99)
    return Figure(
        f"cancel while 8 dialers hammer the deployment ({len(took)} cancels, {calls:,} calls settled meanwhile)",
        f"p50 {milliseconds(median(took))}, p99 {milliseconds(worst)}, most {milliseconds(max(took))}",
        f"request that does nothing, then: p50 {milliseconds(median(nothings))}, "
        f"p99 {milliseconds(percentile(nothings, 0.99))}",
        median(took) / median(nothings),
        "p99 under 50 ms",
        worst < 0.05,
    )
