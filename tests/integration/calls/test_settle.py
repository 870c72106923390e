"""What becomes of started calls: answered, over, tried again; and whose word counts."""

import time
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from calloff.calls.cancel import cancel_call, cancel_pending
from calloff.calls.claim import Claim
from calloff.calls.rescue import rescue
from calloff.calls.settle import Answer, Ending, connect, settle, withdraw
from calloff.domain.results import CalleeType, Result
from calloff.domain.schedule import Schedule
from calloff.upkeep.settler import settle_canceled
from tests.integration.calls.lab import RETRIED, Lab, names, start, with_other_tokens

DONE = "https://example.com/done"


async def callbacks(lab: Lab) -> list[int]:
    return [row["call_id"] for row in await lab.rows("SELECT call_id FROM callback ORDER BY call_id")]


async def test_an_answered_call_is_connected_then_completed(lab: Lab) -> None:
    dialing = await lab.dialing(result_url=DONE)
    answer = Answer(dialing, ago=3, details={"sip_call_id": "abc"})
    assert await connect(lab.pool, lab.deployment_id, [answer]) == {dialing.call_id}
    call = await lab.status(dialing.call_id)
    assert (call.status, call.sip_code, names(call)) == ("connected", 200, ["queued", "dialing", "connected"])
    assert call.events[-1].details == {"sip_call_id": "abc"}
    assert call.connected_at is not None
    assert 3 <= time.time() - call.connected_at.timestamp() < 5
    assert await callbacks(lab) == []
    assert await lab.settle(
        dialing, Result.ANSWERED, sip_code=200, callee_type=CalleeType.VOICE, collected={"digits": "42"}
    )
    call = await lab.status(dialing.call_id)
    assert (call.status, call.result, call.sip_code, call.callee_type) == ("completed", "answered", 200, "voice")
    assert (call.collected, names(call)[-1]) == ({"digits": "42"}, "disconnected")
    assert call.duration is not None
    assert 3 <= call.duration < 5
    assert await callbacks(lab) == [dialing.call_id]


@pytest.mark.parametrize("code", [607, 608])
async def test_a_no_that_was_meant_for_us_is_not_asked_again(lab: Lab, code: int) -> None:
    asked, other = await lab.dialing(RETRIED), await lab.dialing(RETRIED)
    assert await lab.settle(asked, Result.DECLINED, sip_code=code)
    assert await lab.settle(other, Result.DECLINED, sip_code=603)
    assert (await lab.state(asked.call_id), await lab.state(other.call_id)) == ("failed", "queued")


async def test_a_text_that_the_database_takes_nowhere_keeps_no_call_from_its_end(lab: Lab) -> None:
    strange, other = await lab.dialing(), await lab.dialing()
    said = "a\0b\ud800c"
    assert await connect(lab.pool, lab.deployment_id, [Answer(strange, ago=0, details={"sip_call_id": said})])
    endings = [
        Ending(strange, Result.ANSWERED, ago=0, collected={said: said}, details={"reason": said}),
        Ending(other, Result.BUSY, ago=0),
    ]
    assert await settle(lab.pool, lab.deployment_id, endings) == {strange.call_id, other.call_id}
    call = await lab.status(strange.call_id)
    assert call.collected == {"a\ufffdb\ufffdc": "a\ufffdb\ufffdc"}
    assert call.events[-1].details["reason"] == "a\ufffdb\ufffdc"


async def test_an_end_that_is_written_down_late_is_not_before_its_beginning(lab: Lab) -> None:
    connected = await lab.connected()
    assert await settle(lab.pool, lab.deployment_id, [Ending(connected, Result.ANSWERED, ago=60)])
    assert (await lab.status(connected.call_id)).duration == 0


@pytest.mark.parametrize("result", [Result.BUSY, Result.NO_ANSWER, Result.DECLINED, Result.CARRIER_ERROR])
async def test_a_failed_attempt_is_followed_by_others_until_none_is_left(lab: Lab, result: Result) -> None:
    call_id = await lab.submit(RETRIED, result_url=DONE)
    for attempt in (1, 2, 3):
        [call] = await lab.claim()
        assert call.attempt == attempt
        await start_all(lab, [call.claim])
        assert await lab.settle(call.claim, result, sip_code=486)
        row = await lab.row(call_id)
        if attempt < 3:
            assert (row["state"], row["attempts"], row["result"], row["token"]) == ("queued", attempt, None, None)
            assert 55 < row["due_at"].timestamp() - time.time() <= 60
            assert await lab.claim() == []
            assert await callbacks(lab) == []
            await lab.make_due(call_id)
    status = await lab.status(call_id)
    assert (status.status, status.result, status.sip_code, status.attempts) == ("failed", result, 486, 3)
    assert names(status) == ["queued", *["dialing", "failed"] * 3]
    assert await callbacks(lab) == [call_id]


@pytest.mark.parametrize("result", [Result.INVALID_NUMBER, Result.REJECTED])
async def test_what_would_fail_again_is_not_tried_again(lab: Lab, result: Result) -> None:
    dialing = await lab.dialing(RETRIED)
    assert await lab.settle(dialing, result)
    assert (await lab.status(dialing.call_id)).status == "failed"


async def test_a_single_attempt_needs_no_wait_to_fail(lab: Lab) -> None:
    dialing = await lab.dialing()
    assert (await lab.row(dialing.call_id))["reattempt_wait"] is None
    assert await lab.settle(dialing, Result.BUSY)
    row = await lab.row(dialing.call_id)
    assert (row["state"], row["result"]) == ("failed", "busy")


@pytest.mark.parametrize(("seconds_left", "state"), [(50, "failed"), (70, "queued")])
async def test_no_attempt_follows_that_would_come_after_the_window(lab: Lab, seconds_left: int, state: str) -> None:
    dialing = await lab.dialing(Schedule(end=time.time() + seconds_left, max_attempts=2, reattempt_wait=60))
    assert await lab.settle(dialing, Result.BUSY)
    assert await lab.state(dialing.call_id) == state


async def test_a_batch_may_hold_every_kind_of_end(lab: Lab) -> None:
    connected, busy, again = await lab.connected(), await lab.dialing(), await lab.dialing(RETRIED)
    endings = [
        Ending(connected, Result.ANSWERED, ago=0, callee_type=CalleeType.FAX),
        Ending(busy, Result.BUSY, ago=0, sip_code=486),
        Ending(again, Result.NO_ANSWER, ago=0),
    ]
    moved = await settle(lab.pool, lab.deployment_id, endings)
    assert moved == {connected.call_id, busy.call_id, again.call_id}
    assert [await lab.state(claim.call_id) for claim in (connected, busy, again)] == ["completed", "failed", "queued"]


async def test_only_a_dialing_call_connects(lab: Lab) -> None:
    claimed, connected = await lab.claimed(), await lab.connected()
    assert await connect(lab.pool, lab.deployment_id, [Answer(claimed, ago=0), Answer(connected, ago=0)]) == set()


async def test_only_a_connected_call_completes_and_only_a_dialing_one_fails(lab: Lab) -> None:
    claimed, dialing, connected = await lab.claimed(), await lab.dialing(), await lab.connected()
    assert not await lab.settle(claimed, Result.BUSY)
    assert not await lab.settle(dialing, Result.ANSWERED)
    assert not await lab.settle(connected, Result.BUSY)
    states = [await lab.state(claim.call_id) for claim in (claimed, dialing, connected)]
    assert states == ["claimed", "dialing", "connected"]


async def test_a_call_that_was_rescued_and_claimed_again_is_not_settled_by_the_old_claim(lab: Lab) -> None:
    old = await lab.claimed(RETRIED)
    await lab.lapse(lab.dialer_id)
    assert (await rescue(lab.pool)).calls == 1
    lab.dialer_id = (await Lab.open(lab.url, lab.pool)).dialer_id
    [again] = await lab.claim()
    await start_all(lab, [again.claim])
    assert await connect(lab.pool, lab.deployment_id, [Answer(old, ago=0)]) == set()
    assert not await lab.settle(old, Result.BUSY)
    assert await lab.state(old.call_id) == "dialing"
    assert await lab.settle(again.claim, Result.BUSY)


async def test_a_token_is_good_for_its_own_call_only(lab: Lab) -> None:
    one, other = await lab.dialing(), await lab.dialing()
    assert not await lab.settle(Claim(lab.deployment_id, one.call_id, other.token), Result.BUSY)
    assert not await lab.settle(with_other_tokens([one])[0], Result.BUSY)
    assert await lab.state(one.call_id) == "dialing"


async def _completed(lab: Lab) -> Claim:
    claim = await lab.connected(result_url=DONE)
    assert await lab.settle(claim, Result.ANSWERED)
    return claim


async def _failed(lab: Lab) -> Claim:
    claim = await lab.dialing(result_url=DONE)
    assert await lab.settle(claim, Result.BUSY)
    return claim


async def _canceled(lab: Lab) -> Claim:
    claim = await lab.claimed(result_url=DONE)
    await cancel_call(lab.pool, lab.deployment_id, claim.call_id)
    return claim


async def _settled(lab: Lab) -> Claim:
    claim = await lab.claimed(result_url=DONE)
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    await withdraw(lab.pool, lab.deployment_id, [claim])
    assert await settle_canceled(lab.pool) == 1
    return claim


@pytest.mark.parametrize("end", [_completed, _failed, _canceled, _settled])
async def test_a_call_that_is_over_never_changes_again(lab: Lab, end: Callable[[Lab], Awaitable[Claim]]) -> None:
    claim = await end(lab)
    before = await lab.row(claim.call_id)
    assert await callbacks(lab) == [claim.call_id]
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="is over"):
        await lab.do("UPDATE call SET state = 'queued', result = NULL, ended_at = NULL, token = NULL, dialer_id = NULL")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="is over"):
        await lab.do("UPDATE call SET sip_code = 200")
    assert not await lab.settle(claim, Result.BUSY)
    await start_all(lab, [claim], expect=0)
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    await lab.lapse(lab.dialer_id)
    assert (await rescue(lab.pool)).calls == await settle_canceled(lab.pool) == 0
    assert await lab.row(claim.call_id) == before
    assert await callbacks(lab) == [claim.call_id]
    await lab.assert_counts_are_true()


async def start_all(lab: Lab, claims: list[Claim], expect: int | None = None) -> None:
    assert len(await start(lab.pool, lab.deployment_id, claims)) == (len(claims) if expect is None else expect)
