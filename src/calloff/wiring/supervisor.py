"""Runs the parts of Calloff as child processes: starts them, starts anew what dies, and stops them in the end."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY = 60.0
"""Seconds after which a child that dies is started anew without a pause that has grown."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Child:
    """A part to run."""

    name: str
    arguments: Sequence[str]
    """Of the command `calloff`."""
    grace: float
    """Seconds between SIGTERM and SIGKILL."""
    inherits: Sequence[int] = ()
    """File descriptors that it is given."""


class Supervisor:
    """Keeps `children` running from `run` until its `stop` is set.

    Each has a process group of its own, so that a terminal's Ctrl-C reaches only us, and the read end of a pipe whose
    write end only we have, so that it ends with us whatever happens to us (`lifeline`).
    """

    def __init__(self, children: Sequence[Child], environment: Mapping[str, str]) -> None:
        self._children = children
        self._environment = {**os.environ, **environment}

    async def run(self, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        """Run the children until `stop` is set and each has ended; `hurry` is to wait no longer for that."""
        lifeline, held_end = os.pipe()
        try:
            async with asyncio.TaskGroup() as tasks:
                for child in self._children:
                    tasks.create_task(self._keep(child, lifeline, stop, hurry))
        finally:
            os.close(held_end)
            os.close(lifeline)

    async def _keep(self, child: Child, lifeline: int, stop: asyncio.Event, hurry: asyncio.Event) -> None:
        pause = _FIRST_PAUSE
        while not stop.is_set():
            began = asyncio.get_running_loop().time()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "calloff",
                *child.arguments,
                f"--lifeline-fd={lifeline}",
                stdin=asyncio.subprocess.DEVNULL,
                env=self._environment,
                pass_fds=(lifeline, *child.inherits),
                process_group=0,
            )
            _log.info("%s runs as process %d", child.name, process.pid)
            try:
                await _first(process.wait(), stop.wait())
            finally:
                if stop.is_set() or process.returncode is None:
                    await _end(child, process, hurry)
            if stop.is_set():
                return
            if asyncio.get_running_loop().time() - began > _STEADY:
                pause = _FIRST_PAUSE
            _log.error("%s ended %s; starting it anew in %.1f s", child.name, _how(process), pause)
            await _first(asyncio.sleep(pause), stop.wait())
            pause = min(pause * 2, _LONGEST_PAUSE)


async def _end(child: Child, process: Process, hurry: asyncio.Event) -> None:
    if process.returncode is None:
        process.terminate()
    await _first(process.wait(), asyncio.sleep(child.grace), hurry.wait())
    if process.returncode is None:
        _log.warning("%s did not end in time and is killed", child.name)
        process.kill()
    await process.wait()


async def _first(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait until the first of `waits` is over, and give up the others."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


def _how(process: Process) -> str:
    code = process.returncode or 0
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
