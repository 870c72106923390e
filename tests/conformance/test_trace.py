"""What went over the wire for a call is kept, and seen in the API, in the console, and by tshark."""

import asyncio
import subprocess
from pathlib import Path

import httpx

from calloff.api.app import create_app
from calloff.calls.submit import submit
from calloff.console.app import mount_console
from calloff.db.background import end_tasks
from calloff.db.pool import Pool
from calloff.domain.calls import NewCall
from calloff.domain.phone import Destination
from calloff.reports.traces import TraceWriter, find_traces
from calloff.trunks.sip_settings import SipEndpointSettings
from calloff.wiring.trunks import Trunks
from tests.conformance.far_end import far_end
from tests.conformance.rtp import RtpEnd
from tests.conformance.test_whole_path import HANG_UP, _upload, _wait_over
from tests.integration.console.conftest import owner_of, visit
from tests.support.dialing import dialing
from tests.support.sealing import BOX, TRUNK_KINDS
from tests.support.seed import Seed, seed

NUMBER = "+16175550100"


async def _call(pool: Pool, database_url: str, directory: Path, made: Seed, *, is_pci: bool) -> int:
    """One call to SIPp over the trunk of the deployment, once its trace is written."""
    async with RtpEnd() as rtp, far_end("answer", directory, rtp_port=rtp.port) as far:
        async with pool.connection() as connection:
            await connection.execute(
                "UPDATE trunk SET kind = 'sip', settings = jsonb_build_object('uri', %s::text)",
                [f"sip:127.0.0.1:{far.port}"],
            )
        traces = TraceWriter(pool)
        writing = asyncio.create_task(traces.run())
        trunks = Trunks(pool, BOX, SipEndpointSettings("127.0.0.1", sip_port=0), ports=5, traces=traces)
        async with dialing(pool, database_url, await trunks.find(made.trunk_id), directory):
            call_id = await submit(pool, made.deployment_id, NewCall(Destination(NUMBER), is_pci=is_pci))
            await _wait_over(pool, call_id)
            async with asyncio.timeout(15):
                while not await find_traces(pool, call_id):
                    await asyncio.sleep(0.05)
        await trunks.stop()
        await end_tasks(writing)
    return call_id


async def test_a_calls_ladder_is_kept_and_shown(pool: Pool, database_url: str, tmp_path: Path) -> None:
    made = await seed(pool, caller_id="+18005550199")
    await _upload(pool, made.deployment_id, HANG_UP, tmp_path, {})
    call_id = await _call(pool, database_url, tmp_path, made, is_pci=False)
    app = create_app(pool, database_url)
    mount_console(app, pool, database_url, trunk_kinds=TRUNK_KINDS)
    auth = (made.email, made.developer_key)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://calloff.test") as client:
        answer = await client.get(f"/api/outbound/{call_id}/trace", auth=auth)
        capture = await client.get(f"/api/outbound/{call_id}/trace?format=pcap", auth=auth)
        as_xml = await client.get(f"/api/outbound/{call_id}/trace", auth=auth, headers={"accept": "application/xml"})
    [attempt] = answer.json()["attempts"]
    ladder = [(message["direction"], message["title"]) for message in attempt["messages"]]
    assert ladder[0] == ("sent", "INVITE")
    assert ("received", "200 OK") in ladder
    assert ("sent", "ACK") in ladder
    assert ("sent", "BYE") in ladder
    assert ladder[-1][0] == "received"
    assert NUMBER in attempt["messages"][0]["text"]
    assert attempt["media"]["packets_sent"] >= 0
    assert "INVITE" in as_xml.text
    assert capture.headers["content-type"] == "application/vnd.tcpdump.pcap"
    file = tmp_path / "call.pcap"
    file.write_bytes(capture.content)
    read = subprocess.run(
        ["tshark", "-r", str(file), "-Y", "sip", "-T", "fields", "-e", "sip.CSeq.method"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert len(read) == len(ladder)
    assert {"INVITE", "ACK", "BYE"} <= set(read)
    page = (
        await (await visit(app, pool, owner_of(made))).get(
            f"/console/apps/{made.application_id}/{made.deployment_id}/calls/{call_id}"
        )
    ).text
    assert "On the wire" in page
    assert "200 OK" in page
    assert NUMBER in page


async def test_of_a_private_call_no_number_is_seen(pool: Pool, database_url: str, tmp_path: Path) -> None:
    made = await seed(pool, caller_id="+18005550199")
    await _upload(pool, made.deployment_id, HANG_UP, tmp_path, {})
    call_id = await _call(pool, database_url, tmp_path, made, is_pci=True)
    app = create_app(pool, database_url)
    mount_console(app, pool, database_url, trunk_kinds=TRUNK_KINDS)
    auth = (made.email, made.developer_key)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://calloff.test") as client:
        answer = await client.get(f"/api/outbound/{call_id}/trace", auth=auth)
        capture = await client.get(f"/api/outbound/{call_id}/trace?format=pcap", auth=auth)
    page = (
        await (await visit(app, pool, owner_of(made))).get(
            f"/console/apps/{made.application_id}/{made.deployment_id}/calls/{call_id}"
        )
    ).text
    assert "INVITE" in answer.text
    assert b"INVITE" in capture.content
    assert "On the wire" in page
    for shown in (answer.text, capture.content.decode("latin-1"), page):
        assert "6175550100" not in shown
        assert "8005550199" not in shown
