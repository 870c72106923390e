"""Dialers that take no time on the trunk: claim, start and settle, as fast as they can."""

import asyncio
import subprocess
import sys
import time

from calloff.db.pool import open_pool
from calloff.domain.results import Result
from calloff.queue.claim import claim
from calloff.queue.dialers import register, renew
from calloff.queue.settle import Ending, settle
from calloff.queue.start import start

_PORTS = 50


def run_dialers(
    url: str, deployment_id: int, *, processes: int, tasks: int, seconds: float
) -> list["subprocess.Popen[bytes]"]:
    """Start so many processes; each prints how many calls it settled in the seconds after its first claim."""
    command = [sys.executable, "-m", "bench.dialers", url, str(deployment_id), str(tasks), str(seconds)]
    return [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(processes)]


def settled(processes: list["subprocess.Popen[bytes]"]) -> int:
    """Wait for them, and return how many calls they settled together."""
    return sum(int(process.communicate()[0]) for process in processes)


async def _dial(url: str, deployment_id: int, tasks: int, seconds: float) -> int:
    pool = await open_pool(url, min_size=2 * tasks, max_size=2 * tasks)
    done = 0

    async def one() -> None:
        nonlocal done
        dialer_id = await register(pool, name="bench", ports=_PORTS)
        until = time.perf_counter() + seconds
        renew_at = time.perf_counter() + 3
        settling: asyncio.Task[set[int]] | None = None
        while time.perf_counter() < until:
            if time.perf_counter() > renew_at:
                await renew(pool, dialer_id)
                renew_at += 3
            calls, _ = await claim(pool, deployment_id, dialer_id=dialer_id, limit=_PORTS)
            if not calls:
                await asyncio.sleep(0.005)
                continue
            started = await start(pool, deployment_id, [call.claim for call in calls])
            endings = [Ending(call.claim, Result.BUSY, ago=0) for call in calls if call.claim.call_id in started]
            # As in the dialer, results are written while the next calls are claimed.
            if settling is not None:
                done += len(await settling)
            settling = asyncio.create_task(settle(pool, deployment_id, endings))
        if settling is not None:
            done += len(await settling)

    await asyncio.gather(*(one() for _ in range(tasks)))
    await pool.close()
    return done


if __name__ == "__main__":
    print(asyncio.run(_dial(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))))
