"""The API and the console on one address, with a dialer behind them, in the test's own loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from calloff.accounts.passwords import set_password
from calloff.api.app import create_app
from calloff.console.app import mount_console
from calloff.db.pool import Pool
from calloff.trunks.simulated import SimulatedTrunk
from tests.support.dialing import dialing
from tests.support.seed import Seed, seed

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Site:
    """Where it is, and who may sign in."""

    url: str
    pool: Pool
    seed: Seed

    @property
    def deployment_url(self) -> str:
        """The deployment's first page."""
        return f"{self.url}/console/apps/{self.seed.application_id}/{self.seed.deployment_id}"


@asynccontextmanager
async def running_site(pool: Pool, conninfo: str) -> AsyncIterator[Site]:
    """A site with one seeded deployment, whose owner may sign in with `PASSWORD`."""
    seeded = await seed(pool)
    await set_password(pool, seeded.user_id, PASSWORD, must_change=False)
    app = create_app(pool, conninfo)
    mount_console(app, pool, conninfo)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", pool, seeded)
    finally:
        server.should_exit = True
        await serving
        listener.close()


@asynccontextmanager
async def running_dialer(
    pool: Pool, conninfo: str, cache: Path, *, ports: int = 20, speed: float = 4.0
) -> AsyncIterator[None]:
    """A dialer on a simulated trunk."""
    async with dialing(pool, conninfo, SimulatedTrunk(speed=speed), cache, ports=ports):
        yield
