"""Six dialers, a canceling client, submitters and a housekeeper, each a process; and what must never be seen."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.integration.calls.lab import Lab

ROOT = Path(__file__).parents[3]
DIALERS = 6
MOST_AT_ONCE = 25
"""The limit of the deployment that is never called off."""

TABLES = """
CREATE TABLE race_accepted (call_id bigint, asked_ns bigint, accepted_ns bigint);
CREATE TABLE race_invite (call_id bigint, attempt integer, asked_ns bigint, confirmed_ns bigint);
CREATE TABLE race_cancel (epoch bigint, asked_ns bigint, answered_ns bigint);
CREATE TABLE race_dialed (call_id bigint, attempts integer);
"""

WHILE_IT_RUNS = {
    # The start was committed after a cancel of the call had been answered.
    "S1: dialed after it was called off": """
        SELECT i.call_id FROM race_invite AS i JOIN call AS c ON c.id = i.call_id
        JOIN race_cancel AS x ON x.epoch = c.epoch + 1
        LEFT JOIN race_dialed AS d ON d.call_id = i.call_id
        WHERE c.deployment_id = %(canceled)s AND i.asked_ns > %(since)s AND i.attempt > coalesce(d.attempts, 0)
    """,
    "S3: two INVITEs for one attempt": """
        SELECT call_id FROM race_invite GROUP BY call_id, attempt HAVING count(*) > 1
    """,
    "a limit was passed": """
        SELECT count(*) FROM call WHERE deployment_id = %(other)s AND state IN ('claimed', 'dialing', 'connected')
        HAVING count(*) > %(limit)s
    """,
}

AFTERWARDS = {
    "S1: accepted before a cancel was asked for, and not called off by it": """
        SELECT c.id FROM race_accepted AS a JOIN call AS c ON c.id = a.call_id JOIN race_cancel AS x ON true
        WHERE c.deployment_id = %(canceled)s AND a.accepted_ns < x.asked_ns AND c.epoch >= x.epoch
    """,
    "S1: asked for after a cancel was answered, and called off by it": """
        SELECT c.id FROM race_accepted AS a JOIN call AS c ON c.id = a.call_id JOIN race_cancel AS x ON true
        WHERE c.deployment_id = %(canceled)s AND a.asked_ns > x.answered_ns AND c.epoch < x.epoch
    """,
    "S1: a start that was sent after the cancel had been answered was confirmed": """
        SELECT c.id FROM race_accepted AS a JOIN call AS c ON c.id = a.call_id JOIN race_cancel AS x ON true
        JOIN race_invite AS i ON i.call_id = c.id
        WHERE c.deployment_id = %(canceled)s AND a.accepted_ns < x.asked_ns AND i.asked_ns > x.answered_ns
    """,
    "S3: more attempts than were allowed, or than were written down": """
        SELECT c.id FROM call AS c JOIN race_invite AS i ON i.call_id = c.id
        GROUP BY c.id, c.attempts, c.max_attempts
        HAVING count(*) > c.attempts OR c.attempts > c.max_attempts
    """,
    "S4: accepted, and not over": """
        SELECT a.call_id FROM race_accepted AS a LEFT JOIN call AS c ON c.id = a.call_id
        WHERE c.id IS NULL OR c.ended_at IS NULL
    """,
    "S4: not exactly one end": """
        SELECT c.id FROM call AS c
        WHERE (SELECT count(*) FROM jsonb_array_elements(c.events) AS e
               WHERE e->>'event' IN ('disconnected', 'canceled', 'expired')) <> (c.state <> 'failed')::integer
    """,
    "S4: not exactly one callback for each call that has an address for it": """
        SELECT c.id FROM call AS c LEFT JOIN callback AS b ON b.call_id = c.id
        WHERE (b.call_id IS NULL) <> (c.result_url IS NULL)
    """,
    "a call was canceled where nobody canceled": """
        SELECT id FROM call WHERE deployment_id = %(other)s AND state = 'canceled'
    """,
}


class Race:
    """A race in the lab's database, which has to be its own."""

    def __init__(self, lab: Lab, other: Lab, log: Path) -> None:
        self.lab = lab
        self.log = log
        self.parameters = {
            "canceled": lab.deployment_id,
            "other": other.deployment_id,
            "limit": MOST_AT_ONCE,
            "since": 0,
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.started = 0

    @classmethod
    async def prepare(cls, lab: Lab, log: Path) -> "Race":
        other = await Lab.open(lab.url, lab.pool, max_concurrent_calls=MOST_AT_ONCE, on_unknown="retry")
        async with lab.pool.connection() as connection:
            await connection.execute(TABLES)
        return cls(lab, other, log)

    def begin(self) -> None:
        for _ in range(DIALERS):
            self.spawn("dialer")
        for role in ("submitter", "canceler", "housekeeper"):
            self.spawn(role)

    def spawn(self, role: str) -> None:
        self.started += 1
        name = f"{role}-{self.started}"
        deployments = [str(self.parameters["canceled"]), str(self.parameters["other"])]
        with self.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.calls.race_worker", role, self.lab.url, name, *deployments],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stderr=log,
            )

    async def run(self, seconds: float, *, kill_every: float | None = None) -> list[str]:
        """Race for so long, or until the first promise is broken; the names of the broken ones."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        kill_at = loop.time() + kill_every if kill_every else end
        while loop.time() < end:
            if broken := await self.broken(WHILE_IT_RUNS):
                return broken
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended: {self.log.read_text()}"
            if kill_every and loop.time() >= kill_at:
                await self.kill_a_dialer()
                kill_at = loop.time() + kill_every
            await asyncio.sleep(0.1)
        return []

    async def kill_a_dialer(self) -> None:
        """With SIGKILL, whatever it is at; its lease is over at once, and another one takes its place."""
        name = next(name for name in self.processes if name.startswith("dialer"))
        process = self.processes.pop(name)
        process.kill()
        process.wait()
        await self.lab.do("UPDATE dialer SET lease_until = '-infinity' WHERE name = %s", name)
        self.spawn("dialer")

    async def finish(self, seconds: float) -> list[str]:
        """Stop submitting and canceling, let the dialers work off the rest, and look at everything."""
        self.stop("submitter", "canceler")
        async with asyncio.timeout(seconds):
            while await self.lab.rows("SELECT FROM call WHERE ended_at IS NULL LIMIT 1"):
                await asyncio.sleep(0.1)
        self.stop("dialer", "housekeeper")
        await self.lab.assert_counts_are_true()
        return await self.broken({**WHILE_IT_RUNS, **AFTERWARDS})

    def forgive(self) -> None:
        """Look only at starts that are sent from now on."""
        self.parameters["since"] = time.monotonic_ns()

    def stop(self, *roles: str) -> None:
        names = [name for name in self.processes if name.split("-")[0] in roles]
        for name in names:
            self.processes[name].send_signal(signal.SIGTERM)
        for name in names:
            # One that was spawned a moment ago does not listen yet, and dies of it.
            assert self.processes.pop(name).wait(20) in (0, -signal.SIGTERM), f"{name}: {self.log.read_text()}"

    def abandon(self) -> None:
        """End whatever of it still runs."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    async def broken(self, promises: dict[str, str]) -> list[str]:
        found = []
        async with self.lab.pool.connection() as connection:
            for promise, counterexamples in promises.items():
                rows = await (await connection.execute(counterexamples, self.parameters)).fetchall()
                if rows:
                    found.append(f"{promise} ({len(rows)} times)")
        return found

    async def tally(self) -> dict[str, Any]:
        """How much was going on."""
        [row] = await self.lab.rows(
            "SELECT (SELECT count(*) FROM race_accepted) AS accepted, (SELECT count(*) FROM race_invite) AS invites, "
            "(SELECT count(*) FROM race_cancel) AS cancels, "
            "(SELECT count(*) FROM call WHERE state = 'canceled') AS canceled, "
            "(SELECT count(*) FROM call WHERE result = 'unknown') AS unknown, "
            "(SELECT count(*) FROM call WHERE attempts > 1) AS retried"
        )
        return row
