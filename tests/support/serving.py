"""`calloff serve` as an ordinary process, as its users run it: reached over HTTP and by its command line only."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

_START_SECONDS = 60
_STOP_SECONDS = 60
_READY = re.compile(r"^Calloff is ready at (https?://\S+)$", re.MULTILINE)


def command(*arguments: str) -> list[str]:
    """The command `calloff` of the code under test."""
    return [sys.executable, "-m", "calloff", *arguments]


def environment(**settings: str) -> dict[str, str]:
    """Our environment without settings of Calloff but these: `data_dir="/tmp/x"`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CALLOFF_")}
    return {**inherited, "COLUMNS": "200", **{f"CALLOFF_{name.upper()}": value for name, value in settings.items()}}


@dataclass(slots=True)
class Served:
    """A running `calloff serve`."""

    process: "subprocess.Popen[bytes]"
    data_dir: Path
    url: str
    output: Path
    """What it printed."""
    log: Path
    credentials: Mapping[str, str] = field(repr=False)
    """What `credentials.env` says; empty if this `serve` found a database that others had filled."""
    database_url: str | None = None
    """None for the embedded one."""
    application_id: int = 1
    deployment_id: int = 1

    @property
    def email(self) -> str:
        """Of the first user."""
        return self.credentials["CALLOFF_EMAIL"]

    @property
    def key(self) -> str:
        """Of the first user."""
        return self.credentials["CALLOFF_KEY"]

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return httpx.URL(self.url).port or 80

    def client(self) -> httpx.Client:
        """A client that is signed in as the first user."""
        return httpx.Client(base_url=self.url, auth=(self.email, self.key), timeout=20, trust_env=False)

    def run(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run another command of Calloff on the same data directory or database, to its end."""
        settings = {"data_dir": str(self.data_dir)}
        if self.database_url is not None:
            settings["database_url"] = self.database_url
        return subprocess.run(
            command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            env=environment(**settings),
            check=False,
        )

    def json(self, *arguments: str, stdin: str | None = None) -> Any:
        """The one JSON object that a command prints with `--json`."""
        result = self.run(*arguments, "--json", stdin=stdin)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def children(self) -> dict[str, list[int]]:
        """The processes that it supervises, by the command that they run."""
        found: dict[str, list[int]] = {}
        for path in Path("/proc").iterdir():
            try:
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
                words = (path / "cmdline").read_bytes().split(b"\0")
            except (OSError, IndexError, ValueError):
                continue
            if parent == self.process.pid and b"calloff" in words:
                found.setdefault(words[words.index(b"calloff") + 1].decode(), []).append(int(path.name))
        return found

    def stop(self) -> int:
        """Ask it to end as SIGTERM does, wait for that, and return its exit code."""
        self.process.terminate()
        return self.process.wait(_STOP_SECONDS)


@contextmanager
def serving(
    data_dir: Path,
    *arguments: str,
    database_url: str | None = None,
    env: Mapping[str, str] | None = None,
    descriptors: int | None = None,
) -> Iterator[Served]:
    """A `calloff serve` on a free port, ready to answer; stopped in the end if the test did not do so.

    It may open no more than that many `descriptors` a process. Shows its log if the test fails.
    """
    data_dir.mkdir(exist_ok=True)
    output, log = data_dir / "serve.out", data_dir / "serve.log"
    settings = {"data_dir": str(data_dir), "port": "0", "drain_timeout": "2"}
    if database_url is not None:
        settings["database_url"] = database_url
    with output.open("wb") as out, log.open("ab") as err:
        process = _start(arguments, {**environment(**settings), **(env or {})}, out, err, descriptors)
    try:
        url = _wait_until_ready(process, output)
        yield Served(process, data_dir, url, output, log, _credentials(data_dir), database_url)
        if process.poll() is None:
            process.terminate()
            assert process.wait(_STOP_SECONDS) == 0, "calloff serve did not end well"
    except BaseException:
        sys.stderr.write(log.read_text(errors="replace")[-20000:])
        raise
    finally:
        process.kill()
        process.wait()
        _end_embedded_server(data_dir)


def _end_embedded_server(data_dir: Path) -> None:
    """What a killed `serve` leaves to the next one, which there may never be."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)


def _start(
    arguments: tuple[str, ...], env: Mapping[str, str], out: IO[bytes], err: IO[bytes], descriptors: int | None
) -> "subprocess.Popen[bytes]":
    limited = ["prlimit", f"--nofile={descriptors}:{descriptors}"] if descriptors else []
    return subprocess.Popen(
        [*limited, *command("serve", *arguments)],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        env=env,
        start_new_session=True,
    )


def _wait_until_ready(process: "subprocess.Popen[bytes]", output: Path) -> str:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        found = _READY.search(output.read_text())
        if found:
            return found[1]
        assert process.poll() is None, "calloff serve ended while it started"
        assert time.monotonic() < deadline, "calloff serve was not ready in time"
        time.sleep(0.02)


def _credentials(data_dir: Path) -> dict[str, str]:
    path = data_dir / "credentials.env"
    return dict(line.split("=", 1) for line in path.read_text().splitlines()) if path.exists() else {}
