"""One process of the race: a dialer, a submitter, a canceler or a housekeeper, until it is told to stop by SIGTERM.

    python -m tests.integration.calls.race_worker ROLE DATABASE_URL NAME CANCELED_DEPLOYMENT OTHER_DEPLOYMENT

What it has seen from outside it writes into the tables that `race` made, with one clock for all processes. An error
that is none of the race's normal outcomes ends it with a traceback.
"""

import asyncio
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable

from calloff.calls.cancel import cancel_pending
from calloff.calls.claim import ClaimedCall, claim
from calloff.calls.expire import expire
from calloff.calls.rescue import rescue
from calloff.calls.settle import Answer, Ending, connect, settle, withdraw
from calloff.calls.start import Started, start
from calloff.calls.submit import submit
from calloff.db.pool import Pool, open_pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import Destination
from calloff.domain.results import Result
from calloff.domain.schedule import Schedule
from calloff.upkeep.dialers import register, renew
from calloff.upkeep.settler import settle_canceled

RESULTS = [Result.BUSY, Result.NO_ANSWER, Result.INVALID_NUMBER]
BACKLOG = 400
"""Pending calls above which the submitters rest, so that the race's end does not take long."""


class Worker:
    def __init__(self, pool: Pool, name: str, canceled: int, other: int) -> None:
        self.pool = pool
        self.name = name
        self.canceled = canceled
        self.deployments = [canceled, other]
        self.stop = asyncio.Event()
        self.choose = random.Random(name)

    async def record(self, statement: str, *parameters: object) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(statement, parameters)

    async def repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        while not self.stop.is_set():
            await work()

    async def dialer(self) -> None:
        dialer_id = await register(self.pool, name=self.name, ports=100)

        async def lane() -> None:
            deployment_id = self.choose.choice(self.deployments)
            limit = self.choose.randint(1, 10)
            calls, _ = await claim(self.pool, deployment_id, dialer_id=dialer_id, limit=limit)
            if calls:
                await self.dial(deployment_id, calls)
            else:
                await asyncio.sleep(0.01)

        async def keep_lease() -> None:
            await renew(self.pool, dialer_id)
            await asyncio.sleep(1)

        await asyncio.gather(*(self.repeat(lane) for _ in range(3)), self.repeat(keep_lease))

    async def dial(self, deployment_id: int, calls: list[ClaimedCall]) -> None:
        """What a dialer does: start, send one INVITE each, connect some, settle all; give the others back."""
        asked = time.monotonic_ns()
        claims = [call.claim for call in calls]
        answers = await start(self.pool, deployment_id, calls)
        started = {call_id for call_id, answer in answers.items() if isinstance(answer, Started)}
        confirmed = time.monotonic_ns()
        late = {call_id for call_id in started if self.choose.random() < 0.05}
        dialed = [call for call in calls if call.claim.call_id in started - late]
        await self.record(
            "INSERT INTO race_invite SELECT *, %s, %s FROM unnest(%s::bigint[], %s::int[])",
            asked,
            confirmed,
            [call.claim.call_id for call in dialed],
            [call.attempt for call in dialed],
        )
        kept = [call.claim for call in dialed]
        given_back = [claim for claim in claims if claim.call_id in late]
        if given_back:
            await withdraw(self.pool, deployment_id, given_back, wait=0)
        answered = [claim for claim in kept if self.choose.random() < 0.5]
        await connect(self.pool, deployment_id, [Answer(claim, ago=0) for claim in answered])
        endings = [
            Ending(claim, Result.ANSWERED if claim in answered else self.choose.choice(RESULTS), ago=0)
            for claim in kept
        ]
        await settle(self.pool, deployment_id, endings)

    async def submitter(self) -> None:
        async def one() -> None:
            deployment_id = self.choose.choice(self.deployments)
            schedule = self.choose.choice([Schedule(), Schedule(max_attempts=3, reattempt_wait=60)])
            url = self.choose.choice([None, "https://example.com/done"])
            asked = time.monotonic_ns()
            call = NewCall(Destination("+16175551234"), schedule, result_url=url)
            call_id = await submit(self.pool, deployment_id, call)
            accepted = time.monotonic_ns()
            await self.record("INSERT INTO race_accepted VALUES (%s, %s, %s)", call_id, asked, accepted)

        async def rest() -> None:
            statement = "SELECT count(*) AS pending FROM call WHERE state IN ('queued', 'claimed')"
            async with self.pool.connection() as connection:
                row = await (await connection.execute(statement)).fetchone()
            assert row is not None
            await asyncio.sleep(0.2 if row["pending"] > BACKLOG else 0)
            for _ in range(10):
                await one()

        await asyncio.gather(*(self.repeat(rest) for _ in range(3)))

    async def canceler(self) -> None:
        async def one() -> None:
            await asyncio.sleep(self.choose.uniform(0.01, 0.08))
            asked = time.monotonic_ns()
            epoch = await cancel_pending(self.pool, self.canceled, user_id=None, origin="race")
            answered = time.monotonic_ns()
            # Which calls were dialing already: any other attempt of theirs breaks the promise.
            await self.record(
                "INSERT INTO race_dialed SELECT id, attempts FROM call "
                "WHERE deployment_id = %s AND epoch = %s AND attempts > 0",
                self.canceled,
                epoch - 1,
            )
            await self.record("INSERT INTO race_cancel VALUES (%s, %s, %s)", epoch, asked, answered)

        await self.repeat(one)

    async def housekeeper(self) -> None:
        async def one() -> None:
            await settle_canceled(self.pool)
            await expire(self.pool)
            await rescue(self.pool)
            # Nobody waits for a minute here until the next attempt.
            await self.record(
                "UPDATE call SET due_at = now() WHERE id IN (SELECT id FROM call "
                "WHERE state = 'queued' AND due_at > now() FOR UPDATE SKIP LOCKED)"
            )
            await asyncio.sleep(0.05)

        await self.repeat(one)


async def main(role: str, url: str, name: str, canceled: str, other: str) -> None:
    pool = await open_pool(url, min_size=1, max_size=4)
    worker = Worker(pool, name, int(canceled), int(other))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop.set)
    roles = {
        "dialer": worker.dialer,
        "submitter": worker.submitter,
        "canceler": worker.canceler,
        "housekeeper": worker.housekeeper,
    }
    await roles[role]()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
