"""A real `calloff serve` on a database that the test reaches, too, and somebody who may sign in to it."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from calloff.accounts.passwords import set_password
from calloff.db.pool import Pool
from calloff.domain.phone import Destination
from calloff.domain.schedule import Schedule
from calloff.lists.bulk import SharedFields, StagedRow, Upload
from tests.support.seed import Seed, seed
from tests.support.serving import Served, serving

PASSWORD = "correct horse battery staple"
LATER = Schedule(start=4102444800)
"""No dialer takes it."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where it is, and who may sign in."""

    served: Served
    pool: Pool
    seed: Seed

    @property
    def url(self) -> str:
        """Of the server."""
        return self.served.url

    @property
    def deployment_url(self) -> str:
        """The deployment's first page."""
        return f"{self.url}/console/apps/{self.seed.application_id}/{self.seed.deployment_id}"

    def api(self, path: str = "") -> str:
        """An address of the deployment's API, such as that of `queue`."""
        return f"{self.url}/api/apps/{self.seed.application_id}/{self.seed.deployment_id}/{path}"

    def client(self) -> httpx.AsyncClient:
        """A program of the user's, with the user's key."""
        return httpx.AsyncClient(auth=(self.seed.email, self.seed.developer_key), timeout=20, trust_env=False)

    async def queue(self, calls: int, schedule: Schedule = LATER) -> None:
        """Queue that many calls in the deployment, to +16175560000 and the numbers after it."""
        assert self.served.database_url is not None
        rows = [StagedRow(number + 1, Destination(f"+161755{60000 + number}"), {}) for number in range(calls)]
        async with Upload.open(self.served.database_url, self.seed.deployment_id, None) as upload:
            await upload.stage(rows)
            await upload.queue(SharedFields(schedule, None, False, {}), b"")


async def new_owner(pool: Pool, email: str | None = None) -> Seed:
    """A new account with one deployment, whose owner may sign in with `PASSWORD`."""
    seeded = await seed(pool, email=email)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=False)
    return seeded


@asynccontextmanager
async def running_site(pool: Pool, conninfo: str) -> AsyncIterator[Site]:
    """A server of the test's own, without dialers: every call stays as the test left it.

    The account that the test has there is the operator's.
    """
    seeded = await new_owner(pool, "owner@example.com")
    with (
        tempfile.TemporaryDirectory(prefix="calloff-site-") as directory,
        serving(Path(directory), database_url=conninfo, env={"CALLOFF_DIALERS": "0"}) as served,
    ):
        yield Site(served, pool, seeded)
