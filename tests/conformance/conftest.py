"""A SIP trunk per test, with a SIP port and a media engine of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

import pytest

from calloff.domain.permits import Permit
from calloff.trunks.base import Ended, Leg, LegEvent, boot_time
from calloff.trunks.sip import SipTrunk
from calloff.trunks.sip_endpoint import SipEndpoint
from calloff.trunks.sip_settings import SipEndpointSettings, SipTrunkSettings

SipTrunkTo = Callable[..., AbstractAsyncContextManager[SipTrunk]]
NUMBER = "+16175550100"
CALLER = "+18005550199"
E = TypeVar("E", bound=LegEvent)


def request(number: str = NUMBER, *, caller_id: str | None = CALLER, ring: float = 10.0, within: float = 2.0) -> Permit:
    """A request that has to leave `within` seconds."""
    return Permit.for_test_call(number, caller_id, ring_timeout=ring, deadline=boot_time() + within)


async def wait_for(leg: Leg, kind: type[E], timeout: float = 10.0) -> E:
    """The next event of `kind`, dropping others."""
    async with asyncio.timeout(timeout):
        while not isinstance(event := await leg.next_event(), kind):
            assert not isinstance(event, Ended), f"ended too early: {event}"
        return event


async def all_events(leg: Leg, timeout: float = 10.0) -> list[LegEvent]:
    """Every event up to and with `Ended`, and that nothing follows it."""
    events: list[LegEvent] = []
    async with asyncio.timeout(timeout):
        while not events or not isinstance(events[-1], Ended):
            events.append(await leg.next_event())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(leg.next_event(), 0.05)
    return events


@pytest.fixture
def sip_trunk_to() -> SipTrunkTo:
    """A started SIP trunk to a port of loopback; keywords of both settings classes are taken."""

    @asynccontextmanager
    async def start(
        port: int, *, host: str = "127.0.0.1", transport: str = "udp", **settings: object
    ) -> AsyncIterator[SipTrunk]:
        names = [name for name in SipEndpointSettings.__slots__ if name in settings]
        shared = {"rtp_timeout": 10, "sip_port": 0, **{name: settings.pop(name) for name in names}}
        endpoint = SipEndpoint(SipEndpointSettings("127.0.0.1", **shared))  # type: ignore[arg-type]
        uri = f"sip:{host}:{port};transport={transport}"
        trunk = SipTrunk(SipTrunkSettings(uri, **settings), endpoint)  # type: ignore[arg-type]
        await trunk.start()
        try:
            yield trunk
        finally:
            await trunk.stop()

    return start
