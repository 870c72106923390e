"""Queues calls one by one and in lists, and calls everything off, as fast as a few clients do."""

import asyncio
import contextlib
import itertools
import random
import time

import httpx

from tests.faults.history import Accepted, Cancel
from tests.faults.world import World
from tests.support.seed import Seed

_numbers = itertools.count(2_000_000)


def _number() -> str:
    return f"1617{next(_numbers)}"


async def queue_calls(world: World, owner: Seed, chance: random.Random, pause: float) -> None:
    """Queue single calls, of one and of two attempts, until canceled."""
    async with world.client(owner) as client:
        while True:
            number, asked = _number(), time.time()
            fields = {"phone_number": number, "result_url": world.sink.url}
            if chance.random() < 0.3:
                fields |= {"max_attempts": "2", "reattempt_wait": "60", "end_timestamp": str(int(asked) + 65)}
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post(_path(owner, "queue"), data=fields)
                if answer.is_success:
                    accepted = Accepted(int(answer.json()["call_id"]), owner.deployment_id, number, asked, time.time())
                    world.history.accepted.append(accepted)
            await asyncio.sleep(chance.uniform(0, 2 * pause))


async def queue_lists(world: World, owner: Seed, chance: random.Random, pause: float) -> None:
    """Queue lists of a few dozen calls until canceled."""
    async with world.client(owner) as client:
        while True:
            numbers, asked = [_number() for _ in range(chance.randint(5, 40))], time.time()
            files = {"csv": ("list.csv", "destination\n" + "\n".join(numbers))}
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post(_path(owner, "bulk_queue"), files=files, data={"result_url": world.sink.url})
                if answer.is_success:
                    world.history.accepted += [
                        Accepted(int(call_id), owner.deployment_id, number, asked, time.time())
                        for call_id, number in zip(answer.json()["call_ids"], numbers, strict=True)
                    ]
            await asyncio.sleep(chance.uniform(0, 2 * pause))


async def call_off(world: World, owner: Seed, chance: random.Random, pause: float) -> None:
    """Call everything off, again and again, until canceled."""
    async with world.client(owner) as client:
        while True:
            await asyncio.sleep(chance.uniform(0, 2 * pause))
            asked, status = time.time(), None
            with contextlib.suppress(httpx.HTTPError):
                status = (await client.delete(_path(owner, "cancel"))).status_code
            world.history.cancels.append(Cancel(owner.deployment_id, asked, time.time(), status))


def _path(owner: Seed, what: str) -> str:
    return f"/api/apps/{owner.application_id}/{owner.deployment_id}/{what}"
