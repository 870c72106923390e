"""TCP and TLS: the carrier's certificate is verified, and no INVITE leaves after its deadline."""

import asyncio
from pathlib import Path

import pytest

from calloff.domain.errors import NotConfigured
from calloff.domain.results import Result
from calloff.trunks.base import Ended, TrunkUnavailable
from tests.conformance.conftest import SipTrunkTo, all_events, request
from tests.conformance.far_end import far_end
from tests.conformance.tls_far_end import make_ca, make_certificate, tls_far_end


async def test_a_call_over_tcp(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with far_end("hang_up", tmp_path, transport="t1") as far, sip_trunk_to(far.port, transport="tcp") as trunk:
        ended = (await all_events(await trunk.dial(request())))[-1]
        assert isinstance(ended, Ended)
        assert ended.result is Result.ANSWERED
        await far.finish()
        assert far.received("INVITE")[0].header("Via").startswith("SIP/2.0/TCP")


async def test_a_carrier_with_the_right_certificate(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    ca = make_ca(tmp_path, "ours")
    async with (
        tls_far_end(make_certificate(tmp_path, ca, "DNS:localhost")) as far,
        sip_trunk_to(far.port, host="localhost", transport="tls", ca_file=ca) as trunk,
    ):
        (ended,) = await all_events(await trunk.dial(request()))
    assert ended == Ended(Result.BUSY, 486, "Busy Here")
    assert far.requests[0].startswith("INVITE ")


@pytest.mark.parametrize(
    ("signed_by", "trusted", "name"),
    [
        ("another", "ours", "DNS:localhost"),
        ("ours", "ours", "DNS:other.example"),
        ("ours", "ours", "IP:127.0.0.1"),
        ("ours", None, "DNS:localhost"),
    ],
    ids=["unknown authority", "wrong name", "no name", "not of the system"],
)
async def test_a_carrier_with_the_wrong_certificate_gets_nothing(
    signed_by: str, trusted: str | None, name: str, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    authorities = {ca: make_ca(tmp_path, ca) for ca in ("ours", "another")}
    ca_file = authorities[trusted] if trusted else None
    async with (
        tls_far_end(make_certificate(tmp_path, authorities[signed_by], name)) as far,
        sip_trunk_to(far.port, host="localhost", transport="tls", ca_file=ca_file) as trunk,
    ):
        with pytest.raises(TrunkUnavailable, match="its certificate is not accepted"):
            await trunk.dial(request())
    assert far.requests == []


async def test_tls_to_an_address_is_refused_because_nothing_would_check_its_name(sip_trunk_to: SipTrunkTo) -> None:
    with pytest.raises(NotConfigured):
        async with sip_trunk_to(5061, transport="tls"):
            pass


async def test_a_carrier_that_does_not_finish_the_handshake_gets_nothing(
    tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    received = bytearray()

    async def never_shake_hands(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.read())
        writer.close()

    server = await asyncio.start_server(never_shake_hands, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with sip_trunk_to(port, host="localhost", transport="tls") as trunk:
        with pytest.raises(TrunkUnavailable, match="it is being connected"):
            await trunk.dial(request(within=0.4))
    server.close()
    assert b"INVITE" not in received


async def test_nobody_listens(sip_trunk_to: SipTrunkTo) -> None:
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    async with sip_trunk_to(port, transport="tcp") as trunk:
        with pytest.raises(TrunkUnavailable, match="no connection"):
            await trunk.dial(request())
