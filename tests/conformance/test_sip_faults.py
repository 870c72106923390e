"""What hostile neighbours, a full trunk and a dead media engine do: nothing, or a typed error."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from calloff.domain.results import Result
from calloff.trunks.base import Connected, Ended, TrunkUnavailable
from tests.conformance.conftest import CALLER, SipTrunkTo, all_events, request, wait_for
from tests.conformance.far_end import far_end, free_port
from tests.conformance.rtp import RtpEnd, loud, tone
from tests.conformance.torture import invite, torture


async def test_hostile_messages_change_nothing(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    sip_port = free_port()
    async with (
        RtpEnd() as rtp,
        far_end("answer", tmp_path, rtp_port=rtp.port) as far,
        sip_trunk_to(far.port, sip_port=sip_port) as trunk,
    ):
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mallory:
            mallory.bind(("127.0.0.1", 0))
            for message in torture(sip_port):
                mallory.sendto(message, ("127.0.0.1", sip_port))
                await asyncio.sleep(0.001)  # so that the socket's buffer does not spill any of them
            plain = await _ask(mallory, sip_port, invite(sip_port, user=CALLER))
        assert plain.startswith("SIP/2.0 403 ")
        assert trunk.write(leg, tone(440, 0.2)) == 3200
        async with asyncio.timeout(5):
            while len(loud(rtp.sound())) < 2800:
                await asyncio.sleep(0.02)
        await trunk.hang_up(leg)
        assert await all_events(leg) == [Ended(Result.ANSWERED, 200, "hung up by the dialer")]
        await far.finish()
        methods = [message.method for message in far.messages() if message.inward]
    assert methods == ["INVITE", "ACK", "BYE"]


async def _ask(near: socket.socket, port: int, message: str) -> str:
    """Send `message` to `port`, again every half second, and return the final response to it."""
    call_id = next(line for line in message.split("\r\n") if line.startswith("Call-ID"))
    near.setblocking(False)
    host, own_port = near.getsockname()
    for _ in range(10):
        near.sendto(message.replace("127.0.0.1:9;", f"{host}:{own_port};").encode(), ("127.0.0.1", port))
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    answer = (await asyncio.get_running_loop().sock_recv(near, 65535)).decode(errors="replace")
                    if call_id in answer and not answer.startswith("SIP/2.0 1"):
                        return answer
    raise AssertionError("nobody answered")


async def test_a_call_beyond_the_last_port_is_refused_before_an_invite(
    tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    async with far_end("answer", tmp_path) as far, sip_trunk_to(far.port, max_calls=1) as trunk:
        assert trunk.ports == 1
        leg = await trunk.dial(request())
        with pytest.raises(TrunkUnavailable):
            await trunk.dial(request())
        await wait_for(leg, Connected)
        await trunk.hang_up(leg)
        await all_events(leg)
        await far.finish()
        assert len(far.received("INVITE")) == 1


async def test_a_cancelled_dial_leaves_no_call_behind(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with far_end("ring", tmp_path) as far, sip_trunk_to(far.port) as trunk:
        dialing = asyncio.create_task(trunk.dial(request()))
        while not far.messages() and not dialing.done():
            await asyncio.sleep(0)
        if not dialing.cancel():
            await trunk.hang_up(dialing.result())
        await far.finish()


async def test_a_media_engine_that_dies_ends_its_calls_and_is_started_again(
    tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    async with far_end("answer", tmp_path, calls=2) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        media = trunk._endpoint.media
        assert media.process_id is not None
        os.kill(media.process_id, signal.SIGKILL)
        assert await all_events(leg) == [Ended(Result.ANSWERED, 200, "the media engine died")]
        async with asyncio.timeout(20):
            while not media.is_running:
                await asyncio.sleep(0.05)
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        await trunk.hang_up(leg)
        await far.finish()
