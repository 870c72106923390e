"""An API process, and somebody who may queue there."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from calloff.db.pool import Pool
from tests.support.api_process import ApiProcess, api_process
from tests.support.seed import Seed, seed


@pytest.fixture
def api(database_url: str) -> Iterator[ApiProcess]:
    """An API process on the test's own database."""
    with api_process(database_url) as process:
        yield process


@dataclass(frozen=True, slots=True)
class Caller:
    """A client with credentials, and where its lists go."""

    client: httpx.AsyncClient
    seed: Seed

    @property
    def path(self) -> str:
        """Of `bulk_queue`."""
        return f"/api/apps/{self.seed.application_id}/{self.seed.deployment_id}/bulk_queue"

    @property
    def authorization(self) -> str:
        """The value of the header."""
        return "Basic " + base64.b64encode(f"{self.seed.email}:{self.seed.developer_key}".encode()).decode()

    async def upload(self, csv: bytes, key: str | None = None, **fields: str) -> httpx.Response:
        """Upload a list."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.post(self.path, files={"csv": ("list.csv", csv)}, data=fields, headers=headers)


@asynccontextmanager
async def anybody(api: ApiProcess, pool: Pool) -> AsyncIterator[Caller]:
    """Somebody of a new account, with an application and a deployment."""
    seeded = await seed(pool)
    auth = (seeded.email, seeded.developer_key)
    async with httpx.AsyncClient(
        base_url=api.url, auth=auth, timeout=60, limits=httpx.Limits(max_connections=100)
    ) as client:
        yield Caller(client, seeded)


@pytest.fixture
async def caller(api: ApiProcess, pool: Pool) -> AsyncIterator[Caller]:
    """Somebody with an application and a deployment."""
    async with anybody(api, pool) as caller:
        yield caller
