"""What happens to calls without anybody asking: windows close, and dialers die."""

import asyncio
import time
from typing import Any

import pytest

from calloff.calls import expire as expiry
from calloff.calls.cancel import cancel_pending, pause
from calloff.calls.claim import Claim
from calloff.calls.expire import expire
from calloff.calls.rescue import rescue
from calloff.calls.settle import Answer, connect
from calloff.db.pool import Pool
from calloff.domain.permits import AbandonedAttempt, DialogIds
from calloff.domain.results import Result
from calloff.domain.schedule import Schedule
from calloff.upkeep.dialers import register, renew, retire
from tests.integration.calls.lab import RETRIED, WAIT, Lab, names, open_connection

CLOSED = "UPDATE call SET start_at = now() - interval '1 h', end_at = now() - interval '1 s'"


async def test_a_call_whose_window_closed_while_it_waited_has_failed(lab: Lab) -> None:
    call_id = await lab.submit(result_url="https://example.com/done")
    await lab.do(CLOSED)
    open_, endless = await lab.submit(Schedule(end=time.time() + 60)), await lab.submit()
    assert await expire(lab.pool) == 1
    call = await lab.status(call_id)
    assert (call.status, call.result, names(call)) == ("failed", "expired", ["queued", "expired"])
    assert call.end_at is not None
    assert call.events[-1].timestamp == pytest.approx(call.end_at.timestamp(), abs=0.001)
    assert [row["call_id"] for row in await lab.rows("SELECT call_id FROM callback")] == [call_id]
    assert [await lab.state(other) for other in (open_, endless)] == ["queued", "queued"]
    assert await expire(lab.pool) == 0


async def test_a_paused_queue_expires_too_in_as_many_batches_as_it_takes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "_BATCH", 2)
    await lab.fill(5)
    await lab.do(CLOSED)
    await pause(lab.pool, lab.deployment_id)
    assert await expire(lab.pool) == 5
    assert await lab.counted() == {("failed", "expired"): 5}


async def test_what_a_dialer_holds_or_what_was_called_off_does_not_expire(lab: Lab) -> None:
    called_off = await lab.submit()
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    held = [await lab.claimed(), await lab.dialing(), await lab.connected()]
    await lab.do(CLOSED)
    assert await expire(lab.pool) == 0
    assert (await lab.status(called_off)).status == "canceled"
    assert [await lab.state(claim.call_id) for claim in held] == ["claimed", "dialing", "connected"]


async def test_what_a_dead_dialer_had_claimed_waits_again_without_an_attempt_used_up(lab: Lab) -> None:
    claimed = await lab.claimed()
    before = await lab.row(claimed.call_id)
    assert (await rescue(lab.pool)).calls == 0
    await lab.lapse(lab.dialer_id)
    assert (await rescue(lab.pool)).calls == 1
    after = await lab.row(claimed.call_id)
    assert (after["state"], after["attempts"], after["token"], after["dialer_id"]) == ("queued", 0, None, None)
    assert after["due_at"] == before["due_at"]
    assert names(await lab.status(claimed.call_id)) == ["queued"]
    assert await lab.rows("SELECT FROM dialer") == []


@pytest.mark.parametrize("state", ["dialing", "connected"])
async def test_what_a_dead_dialer_had_started_has_an_unknown_result(lab: Lab, state: str) -> None:
    claim = await (lab.dialing if state == "dialing" else lab.connected)(RETRIED, result_url="https://example.com/done")
    await lab.lapse(lab.dialer_id)
    assert (await rescue(lab.pool)).calls == 1
    call = await lab.status(claim.call_id)
    assert (call.status, call.result, call.attempts) == ("failed", "unknown", 1)
    assert (call.events[-1].name, call.events[-1].details) == ("failed", {"result": "unknown"})
    assert len(await lab.rows("SELECT FROM callback")) == 1
    assert not await lab.settle(claim, Result.ANSWERED if state == "connected" else Result.BUSY)


async def test_what_a_dead_dialer_left_on_the_wire_is_handed_to_who_can_end_it(database_url: str, pool: Pool) -> None:
    lab = await Lab.open(database_url, pool, caller_id="8005550100")
    await lab.claimed()
    dialing = await lab.dialing()
    connected = await lab.dialing()
    kept = {"remote_tag": "theirs"}
    assert await connect(pool, lab.deployment_id, [Answer(connected, 0, dialog=kept)]) == {connected.call_id}
    dialogs = {claim.call_id: (await lab.row(claim.call_id))["dialog"] for claim in (dialing, connected)}
    await lab.lapse(lab.dialer_id)
    rescued = await rescue(pool)
    assert rescued.calls == 3
    assert sorted(rescued.abandoned, key=lambda attempt: attempt.call_id) == [
        AbandonedAttempt(dialing.call_id, 1, "+16175551234", "8005550100", _ids(dialogs, dialing), False),
        AbandonedAttempt(connected.call_id, 1, "+16175551234", "8005550100", _ids(dialogs, connected), True, kept),
    ]
    assert all(row["dialog"] is None for row in await lab.rows("SELECT dialog FROM call"))


def _ids(dialogs: dict[int, dict[str, Any]], claim: Claim) -> DialogIds:
    dialog = dialogs[claim.call_id]
    return DialogIds(dialog["sip_call_id"], dialog["branch"], dialog["from_tag"], dialog["cseq"])


@pytest.mark.parametrize("state", ["dialing", "connected"])
async def test_a_deployment_may_choose_to_dial_it_again(database_url: str, pool: Pool, state: str) -> None:
    lab = await Lab.open(database_url, pool, on_unknown="retry")
    make = lab.dialing if state == "dialing" else lab.connected
    again, last = await make(RETRIED), await make()
    too_late = await make(Schedule(end=time.time() + 30, max_attempts=2, reattempt_wait=60))
    await lab.lapse(lab.dialer_id)
    assert (await rescue(pool)).calls == 3
    row = await lab.row(again.call_id)
    assert (row["state"], row["attempts"], row["connected_at"], row["result"]) == ("queued", 1, None, None)
    assert 55 < row["due_at"].timestamp() - time.time() <= 60
    for claim in (last, too_late):
        assert (await lab.status(claim.call_id)).result == "unknown"


async def test_dialers_that_are_well_keep_their_calls(lab: Lab) -> None:
    dead, well = lab.dialer_id, await register(lab.pool, name="two", ports=10)
    lost = await lab.dialing()
    lab.dialer_id = well
    kept = await lab.dialing()
    await lab.lapse(dead)
    assert (await rescue(lab.pool)).calls == 1
    assert [await lab.state(claim.call_id) for claim in (lost, kept)] == ["failed", "dialing"]
    assert not await renew(lab.pool, dead)
    assert await renew(lab.pool, well)


async def test_a_late_renewal_counts_as_long_as_nobody_took_the_calls_away(lab: Lab) -> None:
    claimed = await lab.claimed()
    await lab.lapse(lab.dialer_id)
    assert await renew(lab.pool, lab.dialer_id)
    assert (await rescue(lab.pool)).calls == 0
    assert await lab.state(claimed.call_id) == "claimed"


async def test_a_dialer_that_retires_loses_at_once_what_it_holds(lab: Lab) -> None:
    await lab.claimed()
    await retire(lab.pool, lab.dialer_id)
    assert (await rescue(lab.pool)).calls == 1


async def test_a_claim_whose_answer_was_lost_is_taken_back_from_a_dialer_that_is_well(lab: Lab) -> None:
    unheard_of, dialing = await lab.claimed(), await lab.dialing()
    assert (await rescue(lab.pool)).calls == 0
    await lab.do("UPDATE call SET claimed_at = claimed_at - interval '11 s'")
    assert (await rescue(lab.pool)).calls == 1
    assert [await lab.state(claim.call_id) for claim in (unheard_of, dialing)] == ["queued", "dialing"]


async def test_what_another_transaction_moves_is_left_to_it(lab: Lab) -> None:
    """A settlement that is under way when the lease ends is worth more than the rescue's word."""
    dialing, claimed = await lab.dialing(), await lab.claimed()
    async with open_connection(lab.url) as other:
        async with other.transaction():
            await other.execute(
                "UPDATE call SET state = 'failed', result = 'busy', ended_at = now(), token = NULL, dialer_id = NULL "
                "WHERE id = %s",
                (dialing.call_id,),
            )
            await lab.lapse(lab.dialer_id)
            assert (await asyncio.wait_for(rescue(lab.pool), WAIT)).calls == 1
        assert (await rescue(lab.pool)).calls == 0
    assert (await lab.status(dialing.call_id)).result == "busy"
    assert await lab.state(claimed.call_id) == "queued"


async def test_nobody_can_speak_for_a_call_that_was_taken_away(lab: Lab) -> None:
    dialing = await lab.dialing()
    await lab.lapse(lab.dialer_id)
    await rescue(lab.pool)
    assert await connect(lab.pool, lab.deployment_id, [Answer(dialing, ago=0)]) == set()
