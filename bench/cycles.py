"""Claim, start and settle, beside job queues that run empty jobs on the same server."""

import asyncio
import subprocess
import sys
import time

import psycopg

from bench.dialers import run_dialers, settled
from bench.others import fill_pgqueuer, fill_procrastinate
from bench.report import Figure
from bench.stage import FULL, Stage, stage
from calloff.db.embedded import EmbeddedServer

_SECONDS = 15 if FULL else 5
# About as many as each runs in a few seconds.
_JOBS = {"procrastinate": 10_000 if FULL else 1_000, "pgqueuer": 100_000 if FULL else 20_000}
_LEFT = {
    "procrastinate": "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')",
    "pgqueuer": "SELECT count(*) FROM pgqueuer WHERE status IN ('queued', 'picked')",
}


async def measure_cycles(running: EmbeddedServer) -> list[Figure]:
    """With 1, 2 and 4 processes."""
    figures = []
    for processes in (1, 2, 4):
        async with stage(running) as staged:
            await staged.fill(40_000 * _SECONDS)
            dialers = run_dialers(
                staged.url, staged.seed.deployment_id, processes=processes, tasks=1, at_once=3, seconds=_SECONDS
            )
            ours = await asyncio.to_thread(settled, dialers) / _SECONDS
            procrastinate = await _drained(staged, "procrastinate", processes)
            pgqueuer = await _drained(staged, "pgqueuer", processes)
        best = max(procrastinate, pgqueuer)
        figures.append(
            Figure(
                f"claim, start and settle, {processes} dialer process{'es' if processes > 1 else ''}",
                f"{ours:,.0f} calls/s",
                f"procrastinate {procrastinate:,.0f}, pgqueuer {pgqueuer:,.0f} empty jobs/s",
                ours / best,
                "ahead of both",
                ours > best,
            )
        )
    return figures


async def _drained(staged: Stage, name: str, processes: int) -> float:
    await {"procrastinate": fill_procrastinate, "pgqueuer": fill_pgqueuer}[name](staged.url, _JOBS[name])
    with psycopg.connect(staged.url, autocommit=True) as connection:

        def left() -> int:
            row = connection.execute(_LEFT[name]).fetchone()
            assert row is not None
            return int(row[0])

        workers = [
            subprocess.Popen([sys.executable, "-m", "bench.others", name, staged.url], stderr=subprocess.DEVNULL)
            for _ in range(processes)
        ]
        # The clock runs from the first job that is done, as ours does from the first claim.
        while (first := left()) == _JOBS[name]:
            await asyncio.sleep(0.01)
        started = time.perf_counter()
        while left():
            await asyncio.sleep(0.02)
        took = time.perf_counter() - started
    for worker in workers:
        worker.terminate()
        await asyncio.to_thread(worker.wait)
    return first / took
