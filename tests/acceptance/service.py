"""Calloff as a process of its own, reached over HTTP only."""

import contextlib
import http.client
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.serving import Served, serving


@dataclass(frozen=True, slots=True)
class Service:
    """A running Calloff: where it answers, and the database that it runs on."""

    served: Served

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def port(self) -> int:
        return self.served.port

    @property
    def database_url(self) -> str:
        assert self.served.database_url is not None
        return self.served.database_url

    def memory(self) -> int:
        """Bytes that the process that answers holds now."""
        [api] = self.served.children()["api"]
        pages = int(Path(f"/proc/{api}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def exchange(self, request: bytes, timeout: float = 60) -> "Answer":
        """Send these bytes on a connection of their own, and read the one answer to them."""
        with self.connect(timeout) as connection:
            # A server may answer and close before it has read everything.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            return Answer.read(connection, method=request.split(b" ", 1)[0].decode("latin-1"))

    def connect(self, timeout: float = 60) -> socket.socket:
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
    with (
        tempfile.TemporaryDirectory(prefix="calloff-acceptance-") as data_dir,
        serving(Path(data_dir), database_url=database_url) as served,
    ):
        yield Service(served)
