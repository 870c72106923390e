"""An HTTP server that takes callbacks, and misbehaves as a test asks."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True, slots=True)
class Request:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes


Behave = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


async def answer_ok(_request: Request, writer: asyncio.StreamWriter) -> None:
    """Take it."""
    writer.write(OK)
    await writer.drain()


def answer(head: bytes) -> Behave:
    """Answer with `head`, an HTTP status line and headers, and no body."""

    async def behave(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    return behave


@dataclass
class Sink:
    """What came, and how the next request is answered."""

    port: int = 0
    behave: Behave = answer_ok
    requests: list[Request] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)
    connections: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/done"

    def close(self) -> None:
        """Break off every connection."""
        for task in self.connections:
            task.cancel()

    async def wait(self, requests: int) -> None:
        """Wait until that many requests have come."""
        async with self.came:
            await asyncio.wait_for(self.came.wait_for(lambda: len(self.requests) >= requests), 60)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Request(head[0].split(" ")[1], headers, body)
                async with self.came:
                    self.requests.append(request)
                    self.came.notify_all()
                await self.behave(request, writer)
                if writer.is_closing():
                    return


@asynccontextmanager
async def sink(
    behave: Behave = answer_ok, *, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> AsyncIterator[Sink]:
    """A sink on a free port of loopback."""
    made = Sink(behave=behave)

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def serve() -> None:
            try:
                await made.serve(reader, writer)
            finally:
                writer.close()

        task = asyncio.create_task(serve())
        made.connections.add(task)
        task.add_done_callback(made.connections.discard)

    server = await asyncio.start_server(connected, address, 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.close()
        await asyncio.gather(*made.connections, return_exceptions=True)
