"""The dialer on the simulated trunk: what leaves, when, and what is written down."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from calloff.accounts.accounts import limit_account
from calloff.calls.cancel import cancel_pending, pause, resume
from calloff.calls.submit import submit
from calloff.db.embedded import EmbeddedServer
from calloff.db.migrate import migrate
from calloff.db.pool import Pool, open_pool
from calloff.domain.calls import CallStatus, NewCall
from calloff.domain.phone import parse_destination
from calloff.domain.schedule import Schedule
from calloff.operations.access import OPERATOR, to_account
from calloff.operations.accounts import deactivate_account
from calloff.reports.read import find_call
from calloff.voice.cache import AudioCache
from calloff.voice.speech import Speech
from tests.integration.calls.lab import Lab
from tests.support.dialing import TappedTrunk, dialing
from tests.support.seed import seed
from tests.support.servers import NOT_DURABLE
from tests.support.uploading import upload_application

FAST = 20.0


async def queue_call(pool: Pool, deployment_id: int, number: str, schedule: Schedule | None = None) -> int:
    return await submit(pool, deployment_id, NewCall(parse_destination(number), schedule or Schedule()))


async def wait_call(pool: Pool, call_id: int, is_so: Callable[[CallStatus], bool]) -> CallStatus:
    async with asyncio.timeout(20):
        while True:
            call = await find_call(pool, call_id)
            assert call is not None
            if is_so(call):
                return call
            await asyncio.sleep(0.02)


def is_over(call: CallStatus) -> bool:
    return call.status in ("completed", "failed", "canceled")


@pytest.mark.parametrize(
    ("number", "status", "result", "sip_code", "callee_type", "events"),
    [
        ("6175551234", "completed", "answered", 200, "voice", ["queued", "dialing", "connected", "disconnected"]),
        ("6175550001", "failed", "busy", 486, None, ["queued", "dialing", "failed"]),
        ("6175550002", "failed", "no_answer", 480, None, ["queued", "dialing", "failed"]),
        ("6175550003", "failed", "declined", 603, None, ["queued", "dialing", "failed"]),
        ("6175550004", "failed", "invalid_number", 404, None, ["queued", "dialing", "failed"]),
        ("6175550005", "failed", "carrier_error", 503, None, ["queued", "dialing", "failed"]),
        ("6175550006", "completed", "answered", 200, "answeringmachine", None),
        ("6175550007", "completed", "answered", 200, "fax", None),
    ],
)
async def test_a_call_goes_the_whole_way(
    pool: Pool,
    database_url: str,
    tmp_path: Path,
    number: str,
    status: str,
    result: str,
    sip_code: int,
    callee_type: str | None,
    events: list[str] | None,
) -> None:
    made = await seed(pool)
    async with dialing(pool, database_url, TappedTrunk(speed=FAST), tmp_path):
        call = await wait_call(pool, await queue_call(pool, made.deployment_id, number), is_over)
    assert (call.status, call.result, call.sip_code, call.callee_type) == (status, result, sip_code, callee_type)
    assert call.attempts == 1
    if events:
        assert [event.name for event in call.events] == events


async def test_a_call_that_was_busy_is_tried_again_when_its_wait_is_over(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    made = await seed(pool)
    trunk = TappedTrunk(speed=FAST)
    async with dialing(pool, database_url, trunk, tmp_path):
        retry = Schedule(max_attempts=2, reattempt_wait=60)
        call_id = await queue_call(pool, made.deployment_id, "6175550001", retry)
        await wait_call(pool, call_id, lambda call: [event.name for event in call.events][-1] == "failed")
        assert (await wait_call(pool, call_id, lambda _: True)).status == "queued"
        async with pool.connection() as connection:
            await connection.execute("UPDATE call SET due_at = now()")
            await connection.execute("NOTIFY calloff_due")
        call = await wait_call(pool, call_id, is_over)
    assert (call.status, call.result, call.attempts) == ("failed", "busy", 2)
    assert [event.name for event in call.events] == ["queued", "dialing", "failed", "dialing", "failed"]
    assert len(trunk.dialed) == 2


async def test_a_long_queue_does_not_starve_a_short_one(pool: Pool, database_url: str, tmp_path: Path) -> None:
    long, short = await seed(pool), await seed(pool)
    for number in range(100):
        await queue_call(pool, long.deployment_id, f"61755510{number:02}")
    for number in range(3):
        await queue_call(pool, short.deployment_id, f"61755520{number:02}")
    trunk = TappedTrunk(speed=FAST)
    async with dialing(pool, database_url, trunk, tmp_path, ports=4):
        await trunk.wait_dialed(20)
    first = [number for _, number in trunk.dialed[:20]]
    assert sum(number.startswith("+161755520") for number in first) == 3


async def test_the_limits_hold_across_dialers(pool: Pool, database_url: str, tmp_path: Path) -> None:
    made = await seed(pool, max_concurrent_calls=3)
    for number in range(12):
        await queue_call(pool, made.deployment_id, f"61755510{number:02}")
    trunk = TappedTrunk(speed=FAST)
    async with dialing(pool, database_url, trunk, tmp_path), dialing(pool, database_url, trunk, tmp_path):
        await trunk.wait_dialed(12)
    assert trunk.most_at_once <= 3


async def test_the_pace_is_even_across_dialers(pool: Pool, database_url: str, tmp_path: Path) -> None:
    rate, calls = 25.0, 25
    made = await seed(pool, calls_per_second=rate)
    for number in range(calls):
        await queue_call(pool, made.deployment_id, f"61755510{number:02}")
    trunk = TappedTrunk(speed=FAST)
    async with dialing(pool, database_url, trunk, tmp_path), dialing(pool, database_url, trunk, tmp_path):
        await trunk.wait_dialed(calls)
    times = sorted(at for at, _ in trunk.dialed)
    # A slow machine dials later, never earlier, than the slots allow: n calls after the k-th need n intervals, but
    # for how late the k-th was. A burst of the whole second would take no time at all.
    assert times[-1] - times[0] > (calls - 1) / rate * 0.7


async def test_pause_starts_nothing_until_resume(pool: Pool, database_url: str, tmp_path: Path) -> None:
    made = await seed(pool)
    trunk = TappedTrunk(speed=FAST)
    async with dialing(pool, database_url, trunk, tmp_path):
        await pause(pool, made.deployment_id)
        paused = await queue_call(pool, made.deployment_id, "6175551234")
        other = await seed(pool)
        await wait_call(pool, await queue_call(pool, other.deployment_id, "6175551235"), is_over)
        assert (await wait_call(pool, paused, lambda _: True)).status == "queued"
        await resume(pool, made.deployment_id)
        assert (await wait_call(pool, paused, is_over)).status == "completed"


@asynccontextmanager
async def held_at_its_start(
    pool: Pool, database_url: str, cache: Path, trunk: TappedTrunk
) -> AsyncIterator[tuple[int, psycopg.AsyncConnection[tuple[object, ...]]]]:
    """A call whose start waits for the queue's lock, and the connection that holds it."""
    made = await seed(pool)
    gate = asyncio.Event()
    async with (
        await psycopg.AsyncConnection.connect(database_url) as holder,
        dialing(pool, database_url, trunk, cache, gate=gate),
    ):
        call_id = await queue_call(pool, made.deployment_id, "6175551234")
        await _wait_for(pool, "SELECT FROM call WHERE state = 'claimed'")
        await holder.execute("SELECT pg_advisory_xact_lock(queue_lock_key(%s))", (made.deployment_id,))
        gate.set()
        await _wait_for(pool, _WAITING_START)
        yield call_id, holder


async def test_a_start_that_took_too_long_is_taken_back_and_not_dialed(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    """S2: the INVITE leaves within a second of its start, or not at all."""
    trunk = TappedTrunk(speed=FAST)
    async with held_at_its_start(pool, database_url, tmp_path, trunk) as (call_id, holder):
        await holder.execute("SELECT pg_sleep(1.1)")
        await holder.rollback()
        call = await wait_call(pool, call_id, is_over)
    assert trunk.too_late == ["+16175551234"]
    assert [number for _, number in trunk.dialed] == ["+16175551234"]
    assert (call.attempts, [event.name for event in call.events][:2]) == (1, ["queued", "dialing"])


async def test_a_start_without_an_answer_permits_no_invite(pool: Pool, database_url: str, tmp_path: Path) -> None:
    """S5: the connection breaks while the start waits; the call is given back, and a later start dials it, once."""
    trunk = TappedTrunk(speed=FAST)
    async with held_at_its_start(pool, database_url, tmp_path, trunk) as (call_id, holder):
        await holder.execute(f"SELECT pg_terminate_backend(pid) {_WAITING_START.removeprefix('SELECT')}")
        await _wait_for(pool, "SELECT FROM call WHERE state = 'queued'")
        assert trunk.dialed == []
        await holder.rollback()
        call = await wait_call(pool, call_id, is_over)
    assert len(trunk.dialed) == 1
    assert (call.status, call.attempts) == ("completed", 1)


async def test_a_cancel_between_claim_and_start_is_obeyed(pool: Pool, database_url: str, tmp_path: Path) -> None:
    trunk = TappedTrunk(speed=FAST)
    async with held_at_its_start(pool, database_url, tmp_path, trunk) as (call_id, holder):
        call = await find_call(pool, call_id)
        assert call is not None
        await holder.execute("SELECT cancel_pending(%s, NULL, 'test')", (call.deployment_id,))
        await holder.commit()
        assert (await wait_call(pool, call_id, lambda _: True)).status == "canceled"
        await _wait_for(pool, "SELECT FROM call WHERE state = 'canceled'")
    assert trunk.dialed == []


async def test_draining_lets_calls_end_and_hangs_up_what_takes_too_long(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    made = await seed(pool)
    trunk = TappedTrunk(speed=1.0)
    async with dialing(pool, database_url, trunk, tmp_path, drain_timeout=0.2) as drain:
        call_id = await queue_call(pool, made.deployment_id, "6175551234")
        later = await queue_call(pool, made.deployment_id, "6175551235", Schedule(start=4e9))
        await wait_call(pool, call_id, lambda call: call.status == "connected")
        await drain()
        call = await wait_call(pool, call_id, is_over)
        assert (await wait_call(pool, later, lambda _: True)).status == "queued"
    assert (call.status, call.result) == ("completed", "answered")
    assert call.events[-1].details["reason"] == "hung up by the dialer"


async def test_a_dialer_that_lost_its_lease_registers_anew(
    pool: Pool, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calloff.dialer.loop.LEASE", 0.3)
    made = await seed(pool)
    trunk = TappedTrunk(speed=FAST)
    async with dialing(pool, database_url, trunk, tmp_path):
        await wait_call(pool, await queue_call(pool, made.deployment_id, "6175551234"), is_over)
        async with pool.connection() as connection:
            await connection.execute("DELETE FROM dialer")
        call_id = await queue_call(pool, made.deployment_id, "6175551235")
        async with pool.connection() as connection, asyncio.timeout(10):
            while await (await connection.execute("SELECT FROM dialer")).fetchone() is None:
                await asyncio.sleep(0.02)
            await connection.execute("NOTIFY calloff_due")
        assert (await wait_call(pool, call_id, is_over)).status == "completed"


async def test_results_are_written_when_the_database_is_back(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / "data", settings=NOT_DURABLE)
    await server.start()
    try:
        await migrate(server.conninfo)
        pool = await open_pool(server.conninfo, min_size=1, max_size=8)
        made = await seed(pool)
        trunk = TappedTrunk(speed=2.0)
        async with dialing(pool, server.conninfo, trunk, tmp_path / "audio"):
            call_id = await queue_call(pool, made.deployment_id, "6175551234")
            await wait_call(pool, call_id, lambda call: call.status == "connected")
            await server.stop()
            while trunk._lines:
                await asyncio.sleep(0.05)
            await server.start()
            call = await wait_call_after_outage(pool, call_id)
        await pool.close()
    finally:
        await server.stop()
    assert (call.status, call.result) == ("completed", "answered")
    # The end is when it was, not when it could be written down.
    assert call.duration is not None
    assert call.duration < 2


async def test_an_application_runs_and_what_it_collected_is_kept(pool: Pool, database_url: str, tmp_path: Path) -> None:
    made = await seed(pool)
    document = b"""<vxml version="2.1"><form><var name="seen" expr="'hello ' + name"/>
        <block><exit namelist="seen"/></block></form></vxml>"""
    speech = Speech.of_this_machine(AudioCache(tmp_path))
    assert await upload_application(pool, made.deployment_id, document, {}, speech) == 1
    async with dialing(pool, database_url, TappedTrunk(speed=0.4), tmp_path):
        call = NewCall(parse_destination("6175551234"), variables={"name": "Ann"})
        done = await wait_call(pool, await submit(pool, made.deployment_id, call), is_over)
    assert done.collected == {"seen": "hello Ann"}


async def test_a_cancel_lets_what_is_connected_go_on(pool: Pool, database_url: str, tmp_path: Path) -> None:
    made = await seed(pool)
    trunk = TappedTrunk(speed=2.0)
    async with dialing(pool, database_url, trunk, tmp_path, ports=1):
        connected = await queue_call(pool, made.deployment_id, "6175551234")
        waiting = await queue_call(pool, made.deployment_id, "6175551235")
        await wait_call(pool, connected, lambda call: call.status == "connected")
        await cancel_pending(pool, made.deployment_id, user_id=None, origin="test")
        assert (await wait_call(pool, waiting, lambda _: True)).status == "canceled"
        assert (await wait_call(pool, connected, is_over)).status == "completed"
    assert len(trunk.dialed) == 1


async def wait_call_after_outage(pool: Pool, call_id: int) -> CallStatus:
    async with asyncio.timeout(20):
        while True:
            try:
                return await wait_call(pool, call_id, is_over)
            except psycopg.OperationalError:
                await asyncio.sleep(0.1)


async def test_what_a_dead_dialer_left_ringing_is_ended_by_the_next(
    pool: Pool, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("calloff.upkeep.housekeeping.LEASE", 2.0)
    monkeypatch.setattr("calloff.upkeep.housekeeping._PERIOD", 0.05)
    dead = await Lab.open(database_url, pool)
    ringing = await dead.dialing()
    dialog = (await dead.row(ringing.call_id))["dialog"]
    await dead.lapse(dead.dialer_id)
    trunk = TappedTrunk(speed=FAST)
    async with dialing(pool, database_url, trunk, tmp_path):
        await wait_call(pool, ringing.call_id, is_over)
        async with asyncio.timeout(10):
            while not trunk.taken_over:
                await asyncio.sleep(0.02)
    [attempt] = trunk.taken_over
    assert (attempt.call_id, attempt.is_connected) == (ringing.call_id, False)
    assert attempt.dialog.sip_call_id == dialog["sip_call_id"]


async def test_a_start_that_is_never_confirmed_is_not_tried_in_a_loop(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    made = await seed(pool)
    async with pool.connection() as connection:
        # Committed, and nobody can be sure of it: as with a standby that does not answer.
        await connection.execute(
            "DO $do$ BEGIN EXECUTE replace(pg_get_functiondef('start_calls'::regproc), 'PERFORM commit_durably();', "
            "'PERFORM commit_durably(); RAISE WARNING ''not replicated''; PERFORM nextval(''starts'');'); END $do$"
        )
        await connection.execute("CREATE SEQUENCE starts")
        trunk = TappedTrunk(speed=FAST)
        async with dialing(pool, database_url, trunk, tmp_path):
            call_id = await queue_call(pool, made.deployment_id, "6175551234")
            await _wait_for(pool, "SELECT FROM starts WHERE last_value >= 3")
            assert (await wait_call(pool, call_id, lambda _: True)).status in ("queued", "dialing")
            row = await (
                await connection.execute(
                    "SELECT (SELECT last_value FROM starts) AS starts, "
                    "extract(epoch FROM clock_timestamp() - queued_at) AS seconds FROM call"
                )
            ).fetchone()
    assert row is not None
    assert row["seconds"] >= row["starts"] - 1
    assert trunk.dialed == []


_WAITING_START = (
    "SELECT FROM pg_stat_activity "
    "WHERE datname = current_database() AND query LIKE 'SELECT start_calls%' AND wait_event_type = 'Lock'"
)


async def _wait_for(pool: Pool, query: LiteralString) -> None:
    """Wait until `query` finds a row."""
    async with pool.connection() as connection, asyncio.timeout(20):
        while await (await connection.execute(query)).fetchone() is None:
            await asyncio.sleep(0.02)


async def test_a_stolen_key_is_stopped_by_the_limits_of_its_account(
    pool: Pool, database_url: str, tmp_path: Path
) -> None:
    """security.md row 27: whatever is queued, in however many deployments, and the operator can end it."""
    made = await seed(pool)
    await limit_account(pool, made.account_id, {"max_concurrent_calls": 2})
    async with pool.connection() as connection:
        await connection.execute(
            "WITH d AS (INSERT INTO deployment (application_id, trunk_id, name) "
            "SELECT %s, %s, 'other' FROM generate_series(1, 2) RETURNING id) "
            "INSERT INTO queue (deployment_id) SELECT id FROM d",
            (made.application_id, made.trunk_id),
        )
        deployments = [row["id"] for row in await (await connection.execute("SELECT id FROM deployment")).fetchall()]
    for deployment_id in deployments:
        for number in range(5):
            await queue_call(pool, deployment_id, f"61755510{number:02}")
    trunk = TappedTrunk(speed=4.0)
    async with dialing(pool, database_url, trunk, tmp_path):
        await trunk.wait_dialed(6)
        await deactivate_account(pool, await to_account(pool, OPERATOR, made.account_id))
        dialed = len(trunk.dialed)
    assert trunk.most_at_once <= 2
    assert len(trunk.dialed) == dialed, "nothing starts once the account is shut out"
    assert dialed < 15
