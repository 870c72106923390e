"""Dialers that take no time on the trunk: claim, start and settle, as fast as they can."""

import asyncio
import subprocess
import sys
import time
from collections import deque

from calloff.calls.claim import ClaimedCall, claim
from calloff.calls.settle import Ending, settle
from calloff.calls.start import Started, start
from calloff.db.pool import open_pool
from calloff.dialer.batches import MOST
from calloff.domain.results import Result
from calloff.upkeep.dialers import register, renew


def run_dialers(
    url: str, deployment_id: int, *, processes: int, tasks: int, at_once: int, seconds: float
) -> list["subprocess.Popen[bytes]"]:
    """Start so many processes with so many dialers each.

    Each process prints how many calls it settled in the seconds after its first claim. A dialer has up to `at_once`
    batches under way: with 3, it claims the next while others start and settle.
    """
    numbers = [str(number) for number in (deployment_id, tasks, at_once, seconds)]
    command = [sys.executable, "-m", "bench.dialers", url, *numbers]
    return [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(processes)]


def settled(processes: list["subprocess.Popen[bytes]"]) -> int:
    """Wait for them, and return how many calls they settled together."""
    return sum(int(process.communicate()[0]) for process in processes)


async def _dial(url: str, deployment_id: int, tasks: int, at_once: int, seconds: float) -> int:
    pool = await open_pool(url, min_size=at_once * tasks, max_size=at_once * tasks)

    async def finished(calls: list[ClaimedCall]) -> int:
        answers = await start(pool, deployment_id, calls)
        endings = [
            Ending(call.claim, Result.BUSY, ago=0) for call in calls if isinstance(answers[call.claim.call_id], Started)
        ]
        return len(await settle(pool, deployment_id, endings))

    async def one() -> int:
        dialer_id = await register(pool, name="bench", ports=MOST * at_once)
        until = time.perf_counter() + seconds
        renew_at = time.perf_counter() + 3
        done = 0
        finishing: deque[asyncio.Task[int]] = deque()
        while time.perf_counter() < until:
            if time.perf_counter() > renew_at:
                await renew(pool, dialer_id)
                renew_at += 3
            calls, _ = await claim(pool, deployment_id, dialer_id=dialer_id, limit=MOST)
            if not calls:
                await asyncio.sleep(0.005)
            finishing.append(asyncio.create_task(finished(calls)))
            while len(finishing) == at_once:
                done += await finishing.popleft()
        return done + sum([await task for task in finishing])

    done = sum(await asyncio.gather(*(one() for _ in range(tasks))))
    await pool.close()
    return done


if __name__ == "__main__":
    print(asyncio.run(_dial(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))))
