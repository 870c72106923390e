"""What hostile neighbours, a full stack and a dead one do: nothing, or a typed error."""

import asyncio
import socket
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest

from calloff.domain.results import Result
from calloff.trunks import sip_stack
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
        assert plain.startswith("SIP/2.0 486 ")
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


async def test_a_stack_that_has_shown_all_its_caller_ids_asks_for_a_restart(
    tmp_path: Path, sip_trunk_to: SipTrunkTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sip_stack, "MAX_USER_AGENTS", 1)
    async with far_end("answer", tmp_path) as far, sip_trunk_to(far.port) as trunk:
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        with pytest.raises(TrunkUnavailable):
            await trunk.dial(request(caller_id="+18005550198"))
        assert not trunk.dead.is_set()
        await trunk.hang_up(leg)
        await asyncio.wait_for(trunk.dead.wait(), 5)
        with pytest.raises(TrunkUnavailable):
            await trunk.dial(request())
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


DYING = """
    import asyncio, sys
    from baresip._native import ffi, lib
    from calloff.domain.results import Result
    from calloff.domain.permits import Permit
    from calloff.trunks.base import Connected, Ended, TrunkUnavailable, boot_time
    from calloff.trunks.sip import SipTrunk
    from calloff.trunks.sip_settings import SipStackSettings, SipTrunkSettings
    from calloff.trunks.sip_stack import SipStack

    async def main():
        stack = SipStack(SipStackSettings("127.0.0.1"))
        trunk = SipTrunk(SipTrunkSettings(f"sip:127.0.0.1:{sys.argv[1]}"), stack)
        await trunk.start()
        dial = lambda: trunk.dial(
            Permit.for_test_call("+16175550100", None, ring_timeout=10, deadline=boot_time() + 1)
        )
        leg = await dial()
        while not isinstance(await leg.next_event(), Connected):
            pass
        lib.bp_cmd(lib.BP_CMD_STOP, 0, ffi.NULL)
        await asyncio.wait_for(trunk.dead.wait(), 5)
        ended = await leg.next_event()
        assert isinstance(ended, Ended) and ended.result is Result.ANSWERED, ended
        try:
            await dial()
        except TrunkUnavailable:
            await trunk.stop()
            print("as it should be")

    asyncio.run(main())
"""


async def test_a_dead_stack_ends_its_calls_and_asks_for_a_restart(tmp_path: Path) -> None:
    async with far_end("answer", tmp_path) as far:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", textwrap.dedent(DYING), str(far.port),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, errors = await asyncio.wait_for(process.communicate(), 20)
    assert (process.returncode, out) == (0, b"as it should be\n"), errors.decode()
