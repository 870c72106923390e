"""What breaks while calls are queued, dialed and called off."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg

from tests.faults.world import Program, World

Fault = Callable[[World, random.Random], Awaitable[None]]


async def kill_a_dialer(world: World, chance: random.Random) -> None:
    """SIGKILL, in the middle of whatever it does."""
    _any(world, chance, "dialer").send(signal.SIGKILL)


async def freeze_a_dialer(world: World, chance: random.Random) -> None:
    """SIGSTOP for less than, about as long as, or longer than its fence and its lease."""
    program = _any(world, chance, "dialer")
    program.send(signal.SIGSTOP)
    await asyncio.sleep(chance.choice([0.2, 0.9, 1.2, 3.0, 12.0]))
    program.send(signal.SIGCONT)


async def kill_the_api(world: World, chance: random.Random) -> None:
    """SIGKILL of the process that answers."""
    _any(world, chance, "api").send(signal.SIGKILL)


async def kill_the_webhooks(world: World, chance: random.Random) -> None:
    """SIGKILL of the process that delivers."""
    _any(world, chance, "webhooks").send(signal.SIGKILL)


async def crash_postgres(world: World, chance: random.Random) -> None:
    """SIGKILL of the server's main process; its successor recovers."""
    pid = _postmaster(world)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def cut_connections(world: World, chance: random.Random) -> None:
    """Some of the server's sessions end, whatever they are doing."""
    with contextlib.suppress(psycopg.Error):
        connection = await psycopg.AsyncConnection.connect(world.server.conninfo, autocommit=True)
        async with connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'calloff' AND pid <> pg_backend_pid() AND random() < %s",
                (chance.uniform(0.2, 1.0),),
            )


async def freeze_postgres(world: World, chance: random.Random) -> None:
    """Every process of the server stands still: answers, to COMMIT as well, come late."""
    pid = _postmaster(world)
    if pid is None:
        return
    pids = [pid, *_children(pid)]
    _signal_all(pids, signal.SIGSTOP)
    await asyncio.sleep(chance.choice([0.3, 1.1, 2.5]))
    _signal_all(pids, signal.SIGCONT)


FAULTS: dict[Fault, int] = {
    kill_a_dialer: 6,
    freeze_a_dialer: 4,
    kill_the_api: 2,
    kill_the_webhooks: 1,
    crash_postgres: 1,
    cut_connections: 3,
    freeze_postgres: 2,
}
"""With how often each is chosen."""


async def break_things(world: World, chance: random.Random, pause: float, done: list[str]) -> None:
    """One fault after another until canceled; `done` gets their names."""
    while True:
        await asyncio.sleep(chance.uniform(0, 2 * pause))
        fault = chance.choices(list(FAULTS), list(FAULTS.values()))[0]
        done.append(fault.__name__)
        await asyncio.shield(fault(world, chance))


def _any(world: World, chance: random.Random, kind: str) -> Program:
    return world.programs[chance.choice([name for name in world.programs if name.startswith(kind)])]


def _postmaster(world: World) -> int | None:
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
        return int((world.server.cluster / "postmaster.pid").read_text().split()[0])
    return None


def _children(pid: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
