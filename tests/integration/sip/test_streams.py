"""TCP and TLS: a connection is held before it is needed, and what has a deadline leaves at once or never."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from calloff.domain.clock import boot_time
from calloff.sip.events import Address, Send, SendResult
from calloff.sip.locate import Target, certificate_context
from calloff.sip.streams import Connection, connect
from calloff.sip.wire import Wire, WireSettings
from tests.conformance.tls_far_end import make_ca, make_certificate

OPTIONS = b"OPTIONS sip:x SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 4\r\n\r\nbody"


@dataclass
class Far:
    """The other end: what came, and a way to speak; it reads only while it may."""

    port: int = 0
    came: bytearray = field(default_factory=bytearray)
    may_read: asyncio.Event = field(default_factory=asyncio.Event)
    writer: asyncio.StreamWriter | None = None
    connections: int = 0
    server: asyncio.Server | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writer = writer
        self.changed.set()
        try:
            while True:
                await self.may_read.wait()
                data = await reader.read(65536)
                if not data:
                    break
                self.came += data
                self.changed.set()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def until(self, count: int) -> bytes:
        """The first bytes that came."""
        async with asyncio.timeout(10):
            while len(self.came) < count:
                self.changed.clear()
                await self.changed.wait()
        return bytes(self.came)


@asynccontextmanager
async def far_end(context: ssl.SSLContext | None = None) -> AsyncIterator[Far]:
    far = Far()
    far.may_read.set()
    far.server = await asyncio.start_server(far.serve, "127.0.0.1", 0, ssl=context, limit=1024)
    far.port = far.server.sockets[0].getsockname()[1]
    yield far
    far.server.close()
    if far.writer is not None:
        far.writer.close()


@dataclass
class Near:
    """What our side heard."""

    messages: list[bytes] = field(default_factory=list)
    closed: list[Connection] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, data: bytes, _source: Address) -> None:
        self.messages.append(data)
        self.changed.set()

    def close(self, connection: Connection) -> None:
        self.closed.append(connection)
        self.changed.set()

    async def connect(self, far: Far, tls: tuple[ssl.SSLContext, str] | None = None) -> Connection:
        to = Address("tls" if tls else "tcp", "127.0.0.1", far.port)
        return await connect(to, 1, self.hear, self.close, tls=tls, local=None, dscp=24)

    async def until(self, messages: int = 0, closed: int = 0) -> None:
        async with asyncio.timeout(10):
            while len(self.messages) < messages or len(self.closed) < closed:
                self.changed.clear()
                await self.changed.wait()


def message(data: bytes, within: float | None = None) -> Send:
    return Send(data, None, "tcp", "INVITE", deadline=None if within is None else boot_time() + within)


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_what_is_in_time_leaves_and_what_is_late_does_not() -> None:
    near = Near()
    async with far_end() as far:
        connection = await near.connect(far)
        assert connection.send(message(b"late", within=-0.001)) is SendResult.NOT_SENT
        assert connection.send(message(b"in time", within=5)) is SendResult.SENT
        assert await far.until(7) == b"in time"
        connection.close()
        assert connection.send(message(b"closed")) is SendResult.NOT_SENT


@pytest.mark.parametrize("encrypted", [False, True], ids=["tcp", "tls"])
async def test_nothing_with_a_deadline_waits_behind_others_for_a_far_end_that_does_not_read(
    encrypted: bool, tmp_path: Path
) -> None:
    near, ca = Near(), make_ca(tmp_path, "ours")
    server = server_context(make_certificate(tmp_path, ca, "DNS:carrier.example")) if encrypted else None
    client = (certificate_context(str(ca)), "carrier.example") if encrypted else None
    async with far_end(server) as far:
        far.may_read.clear()
        connection = await near.connect(far, client)
        filler = 0
        while not connection._waiting:
            filler += 65_536
            assert connection.send(message(bytes(65_536))) is SendResult.SENT
        assert connection.send(message(b"INVITE", within=5)) is SendResult.NOT_SENT
        assert connection.send(message(b"BYE")) is SendResult.SENT
        far.may_read.set()
        came = await far.until(filler + 3)
        assert came[filler:] == b"BYE"
        connection.close()


async def test_a_far_end_that_never_reads_is_given_up() -> None:
    near = Near()
    async with far_end() as far:
        far.may_read.clear()
        connection = await near.connect(far)
        async with asyncio.timeout(10):
            while connection.open:
                connection.send(message(bytes(262_144)))
        assert near.closed == [connection]


async def test_messages_are_cut_out_of_the_stream_and_a_ping_is_answered() -> None:
    near = Near()
    async with far_end() as far:
        connection = await near.connect(far)
        connection.send(message(b"x"))
        await far.until(1)
        assert far.writer is not None
        for piece in (OPTIONS[:10], OPTIONS[10:] + OPTIONS + OPTIONS[:5], OPTIONS[5:] + b"\r\n\r\n"):
            far.writer.write(piece)
            await far.writer.drain()
        await near.until(messages=3)
        assert near.messages == [OPTIONS] * 3
        assert await far.until(3) == b"x\r\n"
        far.writer.write(b"this is no SIP\r\n\r\n")
        await near.until(closed=1)


async def test_a_certificate_of_the_right_name_and_authority_is_taken(tmp_path: Path) -> None:
    near, ca = Near(), make_ca(tmp_path, "ours")
    async with far_end(server_context(make_certificate(tmp_path, ca, "DNS:carrier.example"))) as far:
        connection = await near.connect(far, (certificate_context(str(ca)), "carrier.example"))
        assert connection.send(message(b"INVITE", within=5)) is SendResult.SENT
        assert await far.until(6) == b"INVITE"
        assert far.writer is not None
        far.writer.write(OPTIONS)
        await near.until(messages=1)
        far.writer.close()
        await near.until(closed=1)


@pytest.mark.parametrize(
    ("signed_by", "name"), [("another", "DNS:carrier.example"), ("ours", "DNS:other.example"), ("ours", "IP:127.0.0.1")]
)
async def test_any_other_certificate_is_not(signed_by: str, name: str, tmp_path: Path) -> None:
    near = Near()
    authorities = {each: make_ca(tmp_path, each) for each in ("ours", "another")}
    async with far_end(server_context(make_certificate(tmp_path, authorities[signed_by], name))) as far:
        with pytest.raises(ssl.SSLCertVerificationError):
            await near.connect(far, (certificate_context(str(authorities["ours"])), "carrier.example"))
        assert not far.came


async def test_a_held_connection_is_made_again_and_says_meanwhile_what_is_wrong() -> None:
    broken: list[Address] = []
    wire = Wire(WireSettings("127.0.0.1", 0), lambda data, source: None, broken.append)
    wire.start()
    async with far_end() as far:
        target = Target("tcp", "127.0.0.1", far.port, "127.0.0.1")
        held = wire.hold(target, 24)
        assert wire.hold(target, 24) is held
        assert held.connection is None
        assert held.why
        await asyncio.wait_for(held.ready.wait(), 10)
        to = Address("tcp", "127.0.0.1", far.port)
        assert wire.send(message(b"1"), to) is SendResult.SENT
        await far.until(1)
        assert far.writer is not None
        far.writer.close()
        async with asyncio.timeout(10):
            while held.connection is not None or not held.ready.is_set():
                if far.connections == 2 and held.ready.is_set():
                    break
                await asyncio.sleep(0.01)
        assert [(address.host, address.port) for address in broken] == [("127.0.0.1", far.port)]
        assert wire.send(message(b"2"), to) is SendResult.SENT
        assert await far.until(2) == b"12"
        await wire.let_go(target)
        assert wire.send(message(b"3"), to) is SendResult.SENT
        await wire.let_go(target)
        assert wire.send(message(b"4"), to) is SendResult.NOT_SENT
    wire.close()


async def test_connections_of_strangers_are_not_taken() -> None:
    wire = Wire(WireSettings("127.0.0.1", 0), lambda data, source: None, lambda address: None)
    wire.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    wire.allow(["127.0.0.1"], 24)
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(b"\r\n\r\n")
    assert await asyncio.wait_for(reader.read(2), 10) == b"\r\n"
    writer.close()
    wire.close()
