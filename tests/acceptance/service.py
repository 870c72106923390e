"""Calloff as a process of its own, reached over HTTP only."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

SPEED = 20
"""How much faster than life the simulated trunk runs: it rings for 50 ms and talks for 100 ms."""

_START_SECONDS = 30
_STOP_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Service:
    """A running Calloff: where it answers, and the database that it runs on."""

    port: int
    database_url: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def exchange(self, request: bytes, timeout: float = 10) -> "Answer":
        """Send these bytes on a connection of their own, and read the one answer to them."""
        with self.connect(timeout) as connection:
            # A server may answer and close before it has read everything.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            return Answer.read(connection, method=request.split(b" ", 1)[0].decode("latin-1"))

    def connect(self, timeout: float = 10) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came over the wire, in the words of httpx."""

    status_code: int
    headers: dict[str, str]
    """By names in lower case."""
    content: bytes

    @classmethod
    def read(cls, connection: socket.socket, method: str = "GET") -> "Answer":
        with http.client.HTTPResponse(connection, method=method) as response:
            response.begin()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return cls(response.status, headers, response.read())


@contextmanager
def running(database_url: str) -> Iterator[Service]:
    """A Calloff on this database, ready to answer; stopped at the end, in which it has to succeed."""
    service = Service(_free_port(), database_url)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.acceptance.run_service", database_url, str(service.port)],
            cwd=Path(__file__).parents[2],
            env=os.environ | {"CALLOFF_TEST_SPEED": str(SPEED)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(service, process)
            yield service
            process.terminate()
            assert process.wait(_STOP_SECONDS) in (0, -15), "the service did not end well"
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-20000:])
            raise
        finally:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(service: Service, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urlopen(f"{service.url}/readyz", timeout=1):
                return
        except OSError:
            assert process.poll() is None, "the service ended while it started"
            assert time.monotonic() < deadline, "the service was not ready in time"
            time.sleep(0.02)
