"""From the queue to the wire: the dialer on the SIP trunk, with SIPp as everybody who is called."""

import asyncio
import io
import json
import wave
from pathlib import Path

from calloff.calls.cancel import cancel_pending
from calloff.calls.submit import submit
from calloff.db.pool import Pool
from calloff.domain.calls import CallStatus, NewCall
from calloff.domain.phone import Destination
from calloff.domain.schedule import Schedule
from calloff.lists.bulk import SharedFields, StagedRow, Upload
from calloff.reports.read import find_call, list_calls
from calloff.trunks.base import SAMPLE_RATE
from calloff.voice.cache import AudioCache
from calloff.voice.speech import Speech
from tests.conformance.conftest import SipTrunkTo
from tests.conformance.far_end import far_end
from tests.conformance.rtp import RtpEnd, loud, pitch, rms, tone
from tests.support.callbacks import delivering
from tests.support.dialing import dialing
from tests.support.seed import seed
from tests.support.sink import sink
from tests.support.uploading import upload_application

NUMBERS = 500
RATE = 50.0
HANG_UP = b'<vxml version="2.1"><form><block><disconnect/></block></form></vxml>'
QUESTION = b"""<vxml version="2.1"><form>
  <field name="choice" type="digits?length=1"><prompt><audio src="question.wav"/></prompt></field>
  <block><exit namelist="choice"/></block>
</form></vxml>"""


async def test_a_question_is_heard_and_a_key_answers_it(
    pool: Pool, database_url: str, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    made = await seed(pool, caller_id="+18005550199")
    sound = tone(440, 1.0, level=0.3)
    await _upload(pool, made.deployment_id, QUESTION, tmp_path, {"question.wav": _wav(sound)})
    async with (
        RtpEnd() as rtp,
        far_end("answer", tmp_path, rtp_port=rtp.port) as far,
        sip_trunk_to(far.port) as trunk,
        dialing(pool, database_url, trunk, tmp_path),
    ):
        call_id = await submit(pool, made.deployment_id, NewCall(Destination("+16175550100", postd="7")))
        async with asyncio.timeout(15):
            while len(loud(rtp.sound())) < 0.9 * len(sound):
                await asyncio.sleep(0.05)
            heard = loud(rtp.sound())
            await rtp.press("5")
            await far.finish()
        call = await _wait_over(pool, call_id)
    [invite] = far.received("INVITE")
    assert "+18005550199" in invite.header("From")
    assert rtp.keys() == "7"
    assert abs(pitch(heard) - 440) < 5
    assert abs(rms(heard) - rms(sound)) < 0.02
    assert (call.status, call.result, call.collected) == ("completed", "answered", {"choice": "5"})
    assert call.events[2].details["sip_call_id"] == invite.header("Call-ID")


async def test_a_cancel_in_the_middle_of_a_list_stops_every_pending_call(
    pool: Pool, database_url: str, tmp_path: Path, sip_trunk_to: SipTrunkTo
) -> None:
    made = await seed(pool, calls_per_second=RATE)
    await _upload(pool, made.deployment_id, HANG_UP, tmp_path, {})
    async with (
        sink() as results,
        delivering(pool),
        far_end("answer", tmp_path, calls=NUMBERS) as far,
        sip_trunk_to(far.port) as trunk,
        dialing(pool, database_url, trunk, tmp_path, ports=200),
    ):
        await _bulk(database_url, made.deployment_id, results.url)
        await far.wait_until(lambda messages: sum(m.inward and m.method == "INVITE" for m in messages) >= 60)
        await cancel_pending(pool, made.deployment_id, user_id=made.user_id, origin="test")
        calls = await _all_over(pool, made.deployment_id)
        await results.wait(NUMBERS)
        invited = [message.first_line.split("sip:")[1].split("@")[0] for message in far.received("INVITE")]
    told = {json.loads(request.body)["call_id"]: json.loads(request.body)["status"] for request in results.requests}
    assert told == {str(call.call_id): call.status for call in calls}
    dialed = {call.phone_number for call in calls if call.status == "completed"}
    canceled = {call.phone_number for call in calls if call.status == "canceled"}
    assert len(invited) == len(set(invited)), "one INVITE a call"
    assert set(invited) == dialed
    assert len(dialed) >= 60
    assert len(canceled) == NUMBERS - len(dialed) > 0
    assert all(call.attempts == 0 for call in calls if call.status == "canceled")


async def _upload(pool: Pool, deployment_id: int, vxml: bytes, cache: Path, recordings: dict[str, bytes]) -> None:
    speech = Speech.of_this_machine(AudioCache(cache))
    await upload_application(pool, deployment_id, vxml, recordings, speech)


async def _bulk(database_url: str, deployment_id: int, result_url: str) -> None:
    async with Upload.open(database_url, deployment_id, None) as upload:
        await upload.stage([StagedRow(n + 1, Destination(f"+1617555{n:04}"), {}) for n in range(NUMBERS)])
        await upload.queue(SharedFields(Schedule(), result_url, False, {}), b"")


async def _wait_over(pool: Pool, call_id: int) -> CallStatus:
    async with asyncio.timeout(15):
        while True:
            call = await find_call(pool, call_id)
            assert call is not None
            if call.status in ("completed", "failed", "canceled"):
                return call
            await asyncio.sleep(0.05)


async def _all_over(pool: Pool, deployment_id: int) -> list[CallStatus]:
    """Every call, once none is dialing or connected any more."""
    async with asyncio.timeout(30):
        while await list_calls(pool, deployment_id, limit=1, statuses=["queued", "dialing", "connected"]):
            await asyncio.sleep(0.1)
    return await list_calls(pool, deployment_id, limit=NUMBERS)


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        writer.writeframes(pcm)
    return file.getvalue()
