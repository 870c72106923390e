"""The embedded PostgreSQL: a real server from a wheel, run as a child of ours on a directory of ours.

DATA_DIR/
  lock            held (flock) as long as the server is ours; the kernel lets go of it when we die
  postgres/       the cluster (PGDATA)
  postgres.log    what the server says
  run/            its socket, for nobody else; a long DATA_DIR has it in the directory for temporary files instead
"""

import asyncio
import fcntl
import hashlib
import logging
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ParamSpec, TypeVar
from urllib.parse import quote

import psycopg

from calloff.db.postmaster import (
    MAJOR_VERSION,
    Launcher,
    as_arguments,
    end,
    end_leftovers,
    programs,
    wait_until_gone,
    wait_until_ready,
)
from calloff.db.unprivileged import Account, account_for, let_traverse
from calloff.domain.errors import NotConfigured

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

_NAME = "calloff"
"""Of the database and of its owner in PostgreSQL."""

_LONGEST_SOCKET_PATH = 107
"""Bytes (unix(7))."""

_LOG_BYTES = 16 * 1024 * 1024
"""A longer log is put aside at the next start."""

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "autovacuum_naptime": "15s",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.05",
    "autovacuum_analyze_scale_factor": "0.02",
    "autovacuum_vacuum_cost_limit": "1000",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    # An error of a statement is its client's to report; its text, as its statement, may hold a phone number.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class DataDirInUse(NotConfigured):
    """Another process of Calloff runs the server of this data directory; it can be reached by `conninfo`."""


class EmbeddedServer:
    """One PostgreSQL on one data directory; can be started again after it was stopped or has died."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are settings of PostgreSQL that replace ours."""
        self.data_dir = data_dir.expanduser().resolve()
        self.log_path = self.data_dir / "postgres.log"
        self.cluster = self.data_dir / "postgres"
        self._socket_directory = _socket_directory(self.data_dir)
        self._settings = {**_SETTINGS, **(settings or {}), "unix_socket_directories": str(self._socket_directory)}
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def conninfo(self) -> str:
        """The address of the database, the same at every start: a URI with a Unix socket, no port is opened."""
        return self._address(_NAME)

    async def start(self) -> None:
        """Make the cluster if there is none, start the server and wait until it takes connections.

        After a crash that takes as long as the recovery does. Does nothing if the server runs.
        Raises `DataDirInUse`, and `NotConfigured` if the directory cannot be used or the server ends.
        """
        if self._process is not None and self._process.poll() is None:
            return
        try:
            self._take_lock()
            launcher = await _in_thread(self._prepare)
            await end_leftovers(self.cluster, self._socket_directory)
            arguments = ["-D", str(self.cluster), *as_arguments(self._settings)]
            self._process = launcher.spawn("postgres", arguments, self.log_path)
            await wait_until_ready(self._process, self.cluster, self.log_path)
            await self._make_database()
        except OSError as error:
            await self.stop()
            raise NotConfigured(
                f"The data directory {self.data_dir} cannot be used ({error.strerror}); choose another --data-dir, "
                "or start Calloff as the user that owns it."
            ) from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End every connection, shut the server down and wait for that; a second call does nothing."""
        process = self._process
        if process is not None and process.poll() is None:
            await end(process.pid)
            process.wait()
        self._process = None
        if self._lock is not None:
            if self._socket_directory.parent != self.data_dir:
                shutil.rmtree(self._socket_directory, ignore_errors=True)
            os.close(self._lock)
            self._lock = None

    async def wait(self) -> None:
        """Wait until the server has ended, for whatever reason; returns at once if it does not run."""
        process = self._process
        if process is not None and process.poll() is None:
            await wait_until_gone(process.pid)
            process.wait()

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise DataDirInUse(
                f"Another Calloff (process {holder}) runs on the data directory {self.data_dir}; "
                "stop it first, or choose another --data-dir."
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor

    def _prepare(self) -> Launcher:
        account = account_for(self.cluster)
        if account is not None:
            let_traverse(programs(), account)
            let_traverse(self.data_dir, account)
        launcher = Launcher(account)
        if not self.cluster.exists():
            self._make_cluster(launcher)
        self._require_version()
        _make_private(self._socket_directory, account)
        if self.log_path.exists() and self.log_path.stat().st_size > _LOG_BYTES:
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        return launcher

    def _make_cluster(self, launcher: Launcher) -> None:
        """Under another name first, so that a crash on the way never leaves half a cluster."""
        logger.info("Making a new database in %s.", self.cluster)
        unfinished = self.data_dir / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        _make_private(unfinished, launcher.account)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = [f"--username={_NAME}", "--auth-local=trust", "--auth-host=reject"]
        launcher.run("initdb", ["-D", str(unfinished), *locale, *access, "--no-instructions"])
        unfinished.replace(self.cluster)
        directory = os.open(self.data_dir, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def _require_version(self) -> None:
        version = (self.cluster / "PG_VERSION").read_text(encoding="utf-8").strip()
        if version != str(MAJOR_VERSION):
            raise NotConfigured(
                f"The database in {self.cluster} is of PostgreSQL {version}, but this Calloff brings {MAJOR_VERSION}; "
                f"dump it with a Calloff that brings {version} and restore it into a new --data-dir."
            )

    async def _make_database(self) -> None:
        async with await psycopg.AsyncConnection.connect(self._address("postgres"), autocommit=True) as connection:
            found = await connection.execute("SELECT FROM pg_database WHERE datname = %s", [_NAME])
            if found.rowcount == 0:
                await connection.execute("CREATE DATABASE calloff")

    def _address(self, database: str) -> str:
        return f"postgresql://{_NAME}@/{database}?host={quote(str(self._socket_directory), safe='')}"


def _socket_directory(data_dir: Path) -> Path:
    near = data_dir / "run"
    if len(os.fsencode(near / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH:
        return near
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"calloff-{digest}"


def _make_private(directory: Path, account: Account | None) -> None:
    """Make `directory`, or check that it is one, for `account` (None: ourselves) and nobody else."""
    uid = os.geteuid() if account is None else account.uid
    try:
        directory.mkdir(mode=0o700)
        if account is not None:
            os.chown(directory, account.uid, account.gid)
    except FileExistsError:
        status = directory.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != uid or stat.S_IMODE(status.st_mode) != 0o700:
            raise NotConfigured(
                f"{directory} is not a directory for PostgreSQL's user alone; remove it and start again."
            ) from None


async def _in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Like `asyncio.to_thread`, but when canceled waits for the end of `work`, so that nothing goes on behind us."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
