"""Job queues on PostgreSQL running empty jobs: `python -m bench.others NAME URL` is a worker that drains its queue."""

import asyncio
import sys
from datetime import timedelta

import procrastinate
import psycopg
from pgqueuer import PgQueuer
from pgqueuer.db import PsycopgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

from calloff.dialer.batches import MOST

CONCURRENCY = MOST  # as many a batch as ours


def _app(url: str) -> procrastinate.App:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))

    @app.task(name="nothing")
    async def nothing() -> None:
        pass

    return app


async def _connect(url: str) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(url, autocommit=True)


async def fill_procrastinate(url: str, jobs: int) -> None:
    """Install it and queue so many jobs."""
    app = _app(url)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        await app.tasks["nothing"].batch_defer_async(*({} for _ in range(jobs)))


async def fill_pgqueuer(url: str, jobs: int) -> None:
    """Install it and queue so many jobs."""
    async with await _connect(url) as connection:
        queries = Queries(PsycopgDriver(connection))
        await queries.install()
        await queries.enqueue(["nothing"] * jobs, [None] * jobs, [0] * jobs)


async def _drain_procrastinate(url: str) -> None:
    app = _app(url)
    async with app.open_async():
        await app.run_worker_async(
            wait=False, concurrency=CONCURRENCY, install_signal_handlers=False, listen_notify=False
        )


async def _drain_pgqueuer(url: str) -> None:
    async with await _connect(url) as connection, PsycopgDriver(connection) as driver:
        queuer = PgQueuer(driver)

        @queuer.entrypoint("nothing")
        async def nothing(job: Job) -> None:
            pass

        await queuer.qm.run(batch_size=CONCURRENCY, mode=QueueExecutionMode.drain, dequeue_timeout=timedelta(seconds=1))


if __name__ == "__main__":
    drains = {"procrastinate": _drain_procrastinate, "pgqueuer": _drain_pgqueuer}
    asyncio.run(drains[sys.argv[1]](sys.argv[2]))
