"""The settler at depth: what it costs another deployment that is dialed meanwhile, and whether the space comes back."""

import asyncio
import time

from bench.dialers import run_dialers, settled
from bench.report import Figure
from bench.stage import FULL, Stage, stage
from calloff.calls.cancel import cancel_pending
from calloff.db.embedded import EmbeddedServer
from calloff.db.pool import Pool
from calloff.upkeep.settler import settle_canceled
from tests.support.seed import seed

_DEPTH = 10_000_000 if FULL else 200_000
_SECONDS = 30 if FULL else 5
_DIALED = 50_000 * _SECONDS  # more than anybody dials in two rounds


async def measure_settling(running: EmbeddedServer) -> list[Figure]:
    """Dialing beside it, and the table's size after a second round of the same depth."""
    async with stage(running) as staged:
        other = (await seed(staged.pool)).deployment_id
        await _fill(staged.pool, other, _DIALED)
        await staged.fill(_DEPTH)
        alone = await _dial(staged, other)
        await cancel_pending(staged.pool, staged.seed.deployment_id, user_id=None, origin="bench")
        started = time.perf_counter()
        settling = asyncio.create_task(_settle(staged.pool, started))
        beside = await _dial(staged, other)
        calls, took = await settling
        first = await _size(staged.pool)
        # Settled rows leave room behind: retention removes them, and what comes next takes their place.
        async with staged.pool.connection() as connection:
            await connection.execute("DELETE FROM call WHERE state = 'canceled'")
        await _autovacuumed(staged.pool)
        await staged.fill(_DEPTH)
        second = await _size(staged.pool)
    ratio = beside / alone
    return [
        Figure(
            f"dialing another deployment while {calls:,} canceled calls settle ({calls / took:,.0f}/s)",
            f"{beside:,.0f} calls/s",
            f"alone {alone:,.0f} calls/s",
            ratio,
            "at least 0.8",
            ratio >= 0.8,
        ),
        Figure(
            "size of `call` after they were removed, autovacuum came by, and the same depth was queued again",
            f"{second / 1024**2:,.0f} MiB",
            f"when it had settled {first / 1024**2:,.0f} MiB",
            second / first,
            "at most 1.1",
            second <= 1.1 * first,
        ),
    ]


async def _settle(pool: Pool, started: float) -> tuple[int, float]:
    calls = await settle_canceled(pool)
    return calls, time.perf_counter() - started


async def _dial(staged: Stage, deployment_id: int) -> float:
    dialers = run_dialers(staged.url, deployment_id, processes=1, tasks=1, at_once=3, seconds=_SECONDS)
    return await asyncio.to_thread(settled, dialers) / _SECONDS


async def _fill(pool: Pool, deployment_id: int, calls: int) -> None:
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO call (deployment_id, epoch, phone_number) "
            "SELECT %s, 0, (6170000000 + n)::text FROM generate_series(1, %s) AS n",
            (deployment_id, calls),
        )


async def _autovacuumed(pool: Pool) -> None:
    """Wait until autovacuum has left no more dead rows than it leaves."""
    async with pool.connection() as connection:
        while True:
            cursor = await connection.execute(
                "SELECT n_dead_tup <= 5000 + 0.02 * reltuples AS is_done FROM pg_stat_user_tables AS s "
                "JOIN pg_class AS c ON c.oid = s.relid WHERE s.relname = 'call'"
            )
            row = await cursor.fetchone()
            if row is not None and row["is_done"]:
                return
            await asyncio.sleep(0.5)


async def _size(pool: Pool) -> int:
    async with pool.connection() as connection:
        row = await (await connection.execute("SELECT pg_total_relation_size('call') AS bytes")).fetchone()
    assert row is not None
    return int(row["bytes"])
