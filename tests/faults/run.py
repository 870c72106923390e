"""One run: load, faults, and what came of it."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.faults.breakage import break_things
from tests.faults.checker import Violation, cancels_into_dialing, violations
from tests.faults.load import call_off, queue_calls, queue_lists
from tests.faults.world import world


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has shown."""

    violations: list[Violation]
    calls: int
    invites: int
    cancels: int
    """That were answered 202."""
    into_dialing: int
    """Of those, how many fell into the dialing of a call."""
    slowest_cancel: float
    """Seconds."""
    faults: Counter[str]

    def report(self) -> str:
        """In words."""
        faults = ", ".join(f"{name.replace('_', ' ')} {times}" for name, times in sorted(self.faults.items()))
        lines = [
            f"{self.calls} calls accepted, {self.invites} INVITEs on the wire",
            f"{self.cancels} cancels answered 202, {self.into_dialing} of them into the dialing of a call, "
            f"the slowest after {self.slowest_cancel:.2f} s",
            f"faults: {faults or 'none'}",
            f"{len(self.violations)} violations",
            *(f"  {each.promise}: {each.text}" for each in self.violations[:50]),
        ]
        return "\n".join(lines)


async def run(
    directory: Path, *, seconds: float, seed: int, loss: float = 0.02, dialers: int = 2, pace: float = 1.0
) -> Outcome:
    """Let everything go on for `seconds`, with `pace` times the usual load, wait until all is over, and judge."""
    done: list[str] = []
    async with world(directory, seed_number=seed, loss=loss, dialers=dialers) as here:
        chances = [random.Random(f"{seed} {part}") for part in range(8)]
        # The load goes on while something breaks; what broke last has time to be whole again before the end.
        work = [
            asyncio.create_task(queue_calls(here, here.off, chances[0], 0.1 / pace)),
            asyncio.create_task(queue_calls(here, here.off, chances[1], 0.1 / pace)),
            asyncio.create_task(queue_lists(here, here.off, chances[2], 3.0 / pace)),
            asyncio.create_task(queue_calls(here, here.on, chances[3], 0.3 / pace)),
            asyncio.create_task(call_off(here, here.off, chances[4], 0.5 / pace)),
            asyncio.create_task(break_things(here, chances[5], 2.0, done)),
        ]
        finished, _ = await asyncio.wait(work, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for task in finished:
            task.result()
        await here.settle()
        history = await here.close_history()
    answered = [cancel for cancel in history.cancels if cancel.status == 202]
    return Outcome(
        violations(history),
        len(history.accepted),
        len(history.invites),
        len(answered),
        cancels_into_dialing(history),
        max((cancel.answered - cancel.asked for cancel in history.cancels), default=0.0),
        Counter(done),
    )
