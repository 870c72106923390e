"""A datagram leaves before its deadline or not at all, and what came is read until nothing is left."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from calloff.domain.clock import boot_time
from calloff.sip.datagrams import DatagramSocket
from calloff.sip.events import Address, Send, SendResult


def message(data: bytes = b"INVITE", *, within: float | None = None) -> Send:
    """A message that may leave for `within` seconds from now; None: at any time."""
    return Send(data, None, "udp", "INVITE", deadline=None if within is None else boot_time() + within)


@pytest.fixture
def far() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("127.0.0.1", 0))
        end.setblocking(False)
        yield end


@pytest.fixture
async def heard() -> AsyncIterator[tuple[DatagramSocket, list[tuple[bytes, Address]]]]:
    got: list[tuple[bytes, Address]] = []
    near = DatagramSocket("127.0.0.1", 0, lambda data, source: got.append((data, source)), dscp=24)
    yield near, got
    near.close()
    near.close()


Heard = tuple[DatagramSocket, list[tuple[bytes, Address]]]


async def test_what_is_in_time_leaves(heard: Heard, far: socket.socket) -> None:
    near, _ = heard
    assert near.send(message(within=1), *far.getsockname()) is SendResult.SENT
    assert far.recv(100) == b"INVITE"


async def test_what_is_late_or_was_given_up_never_leaves(heard: Heard, far: socket.socket) -> None:
    near, _ = heard
    given_up = message()
    given_up.withdrawn = True
    assert near.send(message(within=-0.001), *far.getsockname()) is SendResult.NOT_SENT
    assert near.send(given_up, *far.getsockname()) is SendResult.NOT_SENT
    with pytest.raises(BlockingIOError):
        far.recv(100)


async def test_what_the_kernel_does_not_take_is_not_sent(heard: Heard) -> None:
    near, _ = heard
    assert near.send(message(bytes(70_000)), "127.0.0.1", 9) is SendResult.NOT_SENT
    assert near.send(message(), "255.255.255.255", 9) is SendResult.NOT_SENT


async def test_a_full_buffer_keeps_nothing_for_later(heard: Heard, far: socket.socket) -> None:
    near, _ = heard

    class Full:
        """A socket whose buffer is full, as the kernel says it."""

        def sendmsg(self, *_: object) -> int:
            raise BlockingIOError

    real = near._socket
    near._socket = Full()  # type: ignore[assignment]
    assert near.send(message(within=1), *far.getsockname()) is SendResult.NOT_SENT
    near._socket = real
    await asyncio.sleep(0)
    with pytest.raises(BlockingIOError):
        far.recv(100)


async def test_an_error_of_an_earlier_datagram_is_not_taken_for_this_one(heard: Heard, far: socket.socket) -> None:
    near, _ = heard

    class Refused:
        """A socket that first reports what became of an earlier datagram."""

        def __init__(self, real: socket.socket) -> None:
            self.real, self.told = real, False

        def sendmsg(self, *arguments: object) -> int:
            if not self.told:
                self.told = True
                raise ConnectionRefusedError
            return self.real.sendmsg(*arguments)  # type: ignore[arg-type]

    real = near._socket
    near._socket = Refused(real)  # type: ignore[assignment]
    assert near.send(message(within=1), *far.getsockname()) is SendResult.SENT
    near._socket = real
    assert far.recv(100) == b"INVITE"


async def test_all_that_waits_is_read_in_one_turn(heard: Heard, far: socket.socket) -> None:
    near, got = heard
    for number in range(100):
        far.sendto(b"%d" % number, ("127.0.0.1", near.port))
    near._read()
    assert [data for data, _ in got] == [b"%d" % number for number in range(100)]
    assert {source for _, source in got} == {Address("udp", *far.getsockname())}


@pytest.mark.parametrize(("given", "marked"), [(None, 24), (24, 24), (46, 46), (0, 0)])
async def test_packets_are_marked_as_the_trunk_says(
    given: int | None, marked: int, heard: Heard, far: socket.socket
) -> None:
    near, _ = heard
    far.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    assert near.send(message(), "127.0.0.1", far.getsockname()[1], given) is SendResult.SENT
    _, ancillary, *_ = far.recvmsg(100, 64)
    assert [data[0] >> 2 for _, _, data in ancillary] == [marked]


async def test_ipv6() -> None:
    got: list[Address] = []
    near = DatagramSocket("::1", 0, lambda data, source: got.append(source), dscp=24)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as far:
        far.bind(("::1", 0))
        far.settimeout(5)
        assert near.send(message(), "::1", far.getsockname()[1], 46) is SendResult.SENT
        assert far.recv(100) == b"INVITE"
        far.sendto(b"SIP/2.0 200 OK", ("::1", near.port))
        async with asyncio.timeout(5):
            while not got:
                await asyncio.sleep(0.001)
        assert got == [Address("udp", "::1", far.getsockname()[1])]
    near.close()
