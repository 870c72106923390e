"""A deployment with a dialer, for tests that move its calls by hand and look at them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row

from calloff.calls import start as starting
from calloff.calls.claim import Claim, ClaimedCall, claim
from calloff.calls.settle import Answer, Ending, connect, settle
from calloff.calls.submit import submit
from calloff.db.pool import Connection, Pool
from calloff.domain.calls import CallStatus, NewCall
from calloff.domain.phone import Destination
from calloff.domain.results import Result
from calloff.domain.schedule import Schedule
from calloff.reports.read import find_call
from calloff.upkeep.dialers import register
from tests.support.seed import seed

WAIT = 20.0
"""Seconds after which an event that a test waits for has failed to come."""

ONCE = Schedule()
RETRIED = Schedule(max_attempts=3, reattempt_wait=60)


class Lab:
    """One deployment and one dialer in one database."""

    def __init__(self, url: str, pool: Pool, deployment_id: int, user_id: int, email: str, dialer_id: int) -> None:
        self.url = url
        self.pool = pool
        self.deployment_id = deployment_id
        self.user_id = user_id
        self.email = email
        self.dialer_id = dialer_id

    @classmethod
    async def open(cls, url: str, pool: Pool, **deployment: Any) -> "Lab":
        made = await seed(pool, **deployment)
        dialer_id = await register(pool, name="one", ports=100)
        async with pool.connection() as connection:
            # Nobody renews it, and a slow machine may take longer than a lease to come to the point.
            await connection.execute("UPDATE dialer SET lease_until = 'infinity' WHERE id = %s", (dialer_id,))
        return cls(url, pool, made.deployment_id, made.user_id, made.email, dialer_id)

    async def submit(self, schedule: Schedule = ONCE, **fields: Any) -> int:
        return await submit(
            self.pool, self.deployment_id, NewCall(Destination("+16175551234"), schedule=schedule, **fields)
        )

    async def claim(self, limit: int = 1) -> list[ClaimedCall]:
        calls, _ = await claim(self.pool, self.deployment_id, dialer_id=self.dialer_id, limit=limit)
        return calls

    async def claimed(self, schedule: Schedule = ONCE, **fields: Any) -> Claim:
        """A new call, claimed before all others."""
        call_id = await self.submit(schedule, **fields)
        await self.do("UPDATE call SET due_at = '2000-01-01' WHERE id = %s", call_id)
        [call] = await self.claim()
        assert call.claim.call_id == call_id
        return call.claim

    async def dialing(self, schedule: Schedule = ONCE, **fields: Any) -> Claim:
        """A new call, started."""
        claimed = await self.claimed(schedule, **fields)
        assert await start(self.pool, self.deployment_id, [claimed]) == {claimed.call_id}
        return claimed

    async def connected(self, schedule: Schedule = ONCE, **fields: Any) -> Claim:
        """A new call, answered."""
        claimed = await self.dialing(schedule, **fields)
        assert await connect(self.pool, self.deployment_id, [Answer(claimed, ago=0)]) == {claimed.call_id}
        return claimed

    async def settle(self, claim: Claim, result: Result, **fields: Any) -> bool:
        return bool(await settle(self.pool, self.deployment_id, [Ending(claim, result, ago=0, **fields)]))

    async def row(self, call_id: int) -> dict[str, Any]:
        """The call as it is stored."""
        return (await self.rows("SELECT * FROM call WHERE id = %s", call_id))[0]

    async def state(self, call_id: int) -> str:
        return str((await self.row(call_id))["state"])

    async def status(self, call_id: int) -> CallStatus:
        """The call as its readers see it."""
        found = await find_call(self.pool, call_id)
        assert found is not None
        return found

    async def rows(self, statement: str, *parameters: object) -> list[dict[str, Any]]:
        async with self.pool.connection() as connection:
            return await (await connection.execute(statement, parameters or None)).fetchall()

    async def do(self, statement: str, *parameters: object) -> None:
        async with self.pool.connection() as connection:
            await connection.execute(statement, parameters or None)

    async def lapse(self, dialer_id: int) -> None:
        """Let the lease of a dialer be over."""
        await self.do("UPDATE dialer SET lease_until = '-infinity' WHERE id = %s", dialer_id)

    async def make_due(self, call_id: int) -> None:
        """Let the wait before the next attempt be over."""
        await self.do("UPDATE call SET due_at = now() WHERE id = %s", call_id)

    async def fill(self, calls: int, *, epoch: int | None = None, closes: bool = False) -> None:
        """Bring many due calls in with COPY, as fast as the server can."""
        if epoch is None:
            [queue] = await self.rows("SELECT epoch FROM queue WHERE deployment_id = %s", self.deployment_id)
            epoch = queue["epoch"]
        async with self.pool.connection() as connection, connection.cursor() as cursor:
            columns = "COPY call (deployment_id, epoch, phone_number, start_at, due_at, end_at) FROM STDIN"
            async with cursor.copy(columns) as copy:
                end = "2099-01-01" if closes else "\\N"
                for first in range(0, calls, 1000):
                    lines = (
                        f"{self.deployment_id}\t{epoch}\t617555{n % 10000:04}\t2020-01-01\t"
                        f"2020-01-01 00:{n // 60000:02}:{n % 60000 / 1000}\t{end}\n"
                        for n in range(first, min(first + 1000, calls))
                    )
                    await copy.write("".join(lines))

    async def counted(self) -> dict[tuple[str, str], int]:
        """Calls by state and result, as the triggers counted them."""
        counted = await self.rows(
            "SELECT state, result, sum(calls)::int AS calls FROM call_count WHERE epoch >= -1 "
            "GROUP BY 1, 2 HAVING sum(calls) <> 0"
        )
        return {(row["state"], row["result"]): row["calls"] for row in counted}

    async def assert_counts_are_true(self) -> None:
        """The triggers' counts are those of a real count, in total, for each list and each epoch that waits."""
        differences = await self.rows(
            """
            WITH truth AS (
                SELECT deployment_id, CASE
                           WHEN call.ended_at IS NULL OR l.ended_at IS NULL AND l.id IS NOT NULL THEN epoch ELSE -1
                       END AS epoch,
                       CASE state WHEN 'claimed' THEN 'queued' ELSE state END AS state,
                       coalesce(result, '') AS result, count(*) AS calls
                FROM call LEFT JOIN list AS l USING (deployment_id, epoch) GROUP BY 1, 2, 3, 4
            ), counted AS (
                SELECT deployment_id, epoch, state, result, sum(calls) AS calls
                FROM call_count WHERE epoch >= -1 GROUP BY 1, 2, 3, 4 HAVING sum(calls) <> 0
            )
            SELECT * FROM truth FULL JOIN counted USING (deployment_id, epoch, state, result)
            WHERE truth.calls IS DISTINCT FROM counted.calls
            """
        )
        assert differences == []


@asynccontextmanager
async def open_connection(url: str) -> AsyncIterator[Connection]:
    """A connection of the test's own, outside the pool."""
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row)
    async with connection:
        yield connection


class _OneConnection:
    """What the queue needs of a pool, around a connection that a test holds a transaction open on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        yield self._connection


def as_pool(connection: Connection) -> Pool:
    """`connection` in the shape of a pool, so that the queue's own functions run in its open transaction."""
    return cast(Pool, _OneConnection(connection))


async def until_waiting(lab: Lab, connection: Connection, lock: str, task: "asyncio.Task[Any]") -> None:
    """Wait until the server says that `connection` waits for a lock of that type (`pg_locks.locktype`).

    `task` is what runs on the connection; that it ends without having waited is a failure.
    """
    async with asyncio.timeout(WAIT):
        while not await lab.rows(
            "SELECT FROM pg_locks WHERE pid = %s AND locktype = %s AND NOT granted", connection.info.backend_pid, lock
        ):
            assert not task.done(), f"it waited for no lock of type {lock}"


async def change_function(lab: Lab, name: str, old: str, new: str) -> None:
    """Replace one part of a function's text in the lab's database, which has to be its own."""
    [function] = await lab.rows("SELECT pg_get_functiondef(%s::regproc) AS text", name)
    assert function["text"].count(old) == 1, f"{name} does not have that part once: {old}"
    await lab.do(function["text"].replace(old, new))


def as_claimed(claim: Claim) -> ClaimedCall:
    """The call of a claim, as a dialer would have it: to a number that is nobody's."""
    return ClaimedCall(claim, 0, 1, "+16175551234", "+16175551234", None, None, False, {}, 1, 30.0, None, 0.0)


async def start(pool: Pool, deployment_id: int, claims: Sequence[Claim]) -> set[int]:
    """Start them, and tell which ones may be dialed."""
    answers = await starting.start(pool, deployment_id, [as_claimed(claim) for claim in claims])
    return {call_id for call_id, answer in answers.items() if isinstance(answer, starting.Started)}


def with_other_tokens(claims: Sequence[Claim]) -> list[Claim]:
    """The same calls with tokens that nobody was given."""
    return [Claim(claim.deployment_id, claim.call_id, uuid4()) for claim in claims]


def names(status: CallStatus) -> list[str]:
    """The events of a call, in order."""
    return [event.name for event in status.events]


def only(row: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Some columns of a row."""
    return {key: row[key] for key in keys}
