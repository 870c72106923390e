"""The media are real: what the far end's socket receives is decoded and compared, and so is what it sends."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from calloff.domain.results import Result
from calloff.trunks.base import FRAME_BYTES, Connected, Digit, Ended, Leg
from calloff.trunks.sip import SipTrunk
from tests.conformance.conftest import SipTrunkTo, all_events, request, wait_for
from tests.conformance.far_end import FarEnd, far_end
from tests.conformance.rtp import RtpEnd, loud, pitch, rms, tone

Talk = tuple[SipTrunk, Leg, RtpEnd, FarEnd]
SECOND = 16000


@asynccontextmanager
async def answered(
    tmp_path: Path, sip_trunk_to: SipTrunkTo, scenario: str = "answer", **settings: object
) -> AsyncIterator[Talk]:
    """A call that the far end has answered."""
    async with (
        RtpEnd() as rtp,
        far_end(scenario, tmp_path, rtp_port=rtp.port) as far,
        sip_trunk_to(far.port, **settings) as trunk,
    ):
        leg = await trunk.dial(request())
        await wait_for(leg, Connected)
        yield trunk, leg, rtp, far
        await trunk.hang_up(leg)
        await far.finish()


async def write_all(trunk: SipTrunk, leg: Leg, pcm: bytes) -> None:
    while pcm:
        pcm = pcm[trunk.write(leg, pcm) :]
        await asyncio.sleep(0.01)


async def read_for(trunk: SipTrunk, leg: Leg, seconds: float) -> bytes:
    loop = asyncio.get_running_loop()
    end, heard = loop.time() + seconds, b""
    while loop.time() < end:
        heard += trunk.read(leg, FRAME_BYTES * 50)
        await asyncio.sleep(0.01)
    return heard


async def test_a_prompt_arrives_as_it_was_written(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    prompt = tone(440, 3.0, level=0.3)
    async with answered(tmp_path, sip_trunk_to) as (trunk, leg, rtp, _):
        await write_all(trunk, leg, prompt)
        while len(loud(rtp.sound())) < 2.9 * SECOND:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)
        heard = loud(rtp.sound())
    assert len(heard) == pytest.approx(len(prompt), abs=0.02 * SECOND)
    assert pitch(heard) == pytest.approx(440, rel=0.01)
    assert rms(heard) == pytest.approx(rms(prompt), rel=0.03)


async def test_what_the_far_end_says_is_read(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    speech = tone(880, 1.0, level=0.2)
    async with answered(tmp_path, sip_trunk_to) as (trunk, leg, rtp, _):
        _, heard = await asyncio.gather(rtp.say(speech), read_for(trunk, leg, 2.5))
    heard = loud(heard)
    # A busy machine may lose a few packets.
    assert len(heard) == pytest.approx(len(speech), abs=0.2 * SECOND)
    assert pitch(heard) == pytest.approx(880, rel=0.02)
    assert rms(heard) == pytest.approx(rms(speech), rel=0.05)


async def test_flushing_ends_a_prompt_at_once(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with answered(tmp_path, sip_trunk_to) as (trunk, leg, rtp, _):
        assert trunk.write(leg, tone(440, 1.5)) == 1.5 * SECOND
        while len(loud(rtp.sound())) < 0.2 * SECOND:
            await asyncio.sleep(0.01)
        trunk.flush(leg)
        await asyncio.sleep(0.3)
        assert len(loud(rtp.sound())) < 0.4 * SECOND
        await write_all(trunk, leg, tone(1000, 0.2))
        await asyncio.sleep(0.4)
        assert pitch(rtp.sound()[-int(0.55 * SECOND) :]) > 200


async def test_digits_of_the_far_end_come_once_each(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with answered(tmp_path, sip_trunk_to) as (_, leg, rtp, _far):
        await rtp.press("1592*#D22")
        assert [(await wait_for(leg, Digit)).digit for _ in range(9)] == list("1592*#D22")


async def test_digits_arrive_at_the_far_end_with_their_pauses(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with answered(tmp_path, sip_trunk_to) as (trunk, leg, rtp, _):
        start = asyncio.get_running_loop().time()
        await trunk.send_digits(leg, "12,0*#D")
        took = asyncio.get_running_loop().time() - start
        await asyncio.sleep(0.1)
        assert rtp.keys() == "120*#D"
        assert 1.0 + 6 * 0.2 < took < 4.0


async def test_a_far_end_that_falls_silent_is_left(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with answered(tmp_path, sip_trunk_to, rtp_timeout=1) as (_, leg, rtp, _far):
        await rtp.say(tone(300, 0.3))
        (ended,) = await all_events(leg)
        assert isinstance(ended, Ended)
        assert (ended.result, ended.sip_code, ended.reason) == (Result.ANSWERED, 200, "no media from the far end")


async def test_a_far_end_that_never_sends_media_is_left(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with answered(tmp_path, sip_trunk_to, rtp_timeout=1) as (_, leg, _rtp, _far):
        assert await all_events(leg) == [Ended(Result.ANSWERED, 200, "no media from the far end")]


async def test_a_call_ends_with_its_session_timeout(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with answered(tmp_path, sip_trunk_to, session_timeout=0.3) as (_, leg, _rtp, _far):
        assert await all_events(leg) == [Ended(Result.ANSWERED, 200, "session timeout")]


async def test_media_before_the_answer_is_not_the_callee(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with (
        RtpEnd() as rtp,
        far_end("early_media", tmp_path, rtp_port=rtp.port) as far,
        sip_trunk_to(far.port) as trunk,
    ):
        leg = await trunk.dial(request())
        await rtp.heard.wait()
        assert trunk.read(leg, FRAME_BYTES) == b""
        assert trunk.write(leg, bytes(FRAME_BYTES)) == 0
        await wait_for(leg, Connected)
        assert trunk.write(leg, bytes(FRAME_BYTES)) == FRAME_BYTES
        await trunk.hang_up(leg)
        await far.finish()


async def test_srtp_is_offered_alone_and_spoken(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    key = base64.b64encode(bytes(range(30))).decode()
    async with RtpEnd() as rtp, far_end("savp", tmp_path, rtp_port=rtp.port, key=key) as far:
        async with sip_trunk_to(far.port, srtp=True) as trunk:
            leg = await trunk.dial(request())
            await wait_for(leg, Connected)
            await write_all(trunk, leg, tone(440, 0.3))
            await rtp.heard.wait()
            await asyncio.sleep(0.5)
            await trunk.hang_up(leg)
            await far.finish()
        (invite,) = far.received("INVITE")
    assert "RTP/SAVP " in invite.text
    assert "RTP/AVP " not in invite.text
    assert "a=crypto:" in invite.text
    assert {len(packet) for packet in rtp.packets} == {12 + 160 + 10}
    assert pitch(rtp.sound()) > 1000


async def test_an_answer_without_srtp_ends_the_call(tmp_path: Path, sip_trunk_to: SipTrunkTo) -> None:
    async with RtpEnd() as rtp, far_end("plain_rtp", tmp_path, rtp_port=rtp.port) as far:
        async with sip_trunk_to(far.port, srtp=True) as trunk:
            (ended,) = await all_events(await trunk.dial(request()))
            await far.finish()
        assert isinstance(ended, Ended)
        assert ended.result is Result.CARRIER_ERROR
        assert rtp.packets == []
