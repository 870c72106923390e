"""`python -m tests.acceptance.run_service DATABASE_URL PORT`: the API and a dialer in one process."""

import asyncio
import os
import sys

import uvicorn

from calloff.api.app import create_app
from calloff.db.pool import open_pool
from calloff.dialer.loop import Dialer
from calloff.trunks.base import Trunk
from calloff.trunks.simulated import SimulatedTrunk


async def main(database_url: str, port: int) -> None:
    pool = await open_pool(database_url, min_size=2, max_size=16)
    trunk = SimulatedTrunk(speed=float(os.environ["CALLOFF_TEST_SPEED"]))
    await trunk.start()

    async def find_trunk(_: int) -> Trunk:
        return trunk

    stop = asyncio.Event()
    dialer = Dialer(pool, database_url, find_trunk, name="test", ports=50, drain_timeout=2)
    dialing = asyncio.create_task(dialer.run(stop))
    server = uvicorn.Server(uvicorn.Config(create_app(pool), host="127.0.0.1", port=port, log_level="warning"))
    await server.serve()
    stop.set()
    await dialing
    await trunk.stop()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
