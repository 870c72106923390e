"""The point of no return, and what may pass it."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import pytest

from calloff.calls import start as starting
from calloff.calls.cancel import cancel_call, cancel_pending, pause, resume
from calloff.calls.claim import Claim
from calloff.calls.rescue import rescue
from calloff.calls.settle import withdraw
from calloff.calls.start import Refusal
from calloff.domain.clock import boot_time
from calloff.domain.results import Result
from calloff.domain.schedule import Schedule
from tests.integration.calls.lab import Lab, as_claimed, names, start, with_other_tokens


async def test_a_claimed_call_starts_once(lab: Lab) -> None:
    claimed = await lab.claimed()
    assert await start(lab.pool, lab.deployment_id, [claimed]) == {claimed.call_id}
    call = await lab.status(claimed.call_id)
    assert (call.status, call.attempts, names(call)) == ("dialing", 1, ["queued", "dialing"])
    assert await start(lab.pool, lab.deployment_id, [claimed]) == set()
    assert (await lab.status(claimed.call_id)).attempts == 1


async def test_each_of_a_batch_is_judged_for_itself(lab: Lab) -> None:
    claims = [await lab.claimed() for _ in range(4)]
    await cancel_call(lab.pool, lab.deployment_id, claims[1].call_id)
    [forged] = with_other_tokens([claims[2]])
    batch = [claims[0], claims[1], forged, claims[3], claims[3]]
    assert await start(lab.pool, lab.deployment_id, batch) == {claims[0].call_id, claims[3].call_id}
    assert [await lab.state(claim.call_id) for claim in claims] == ["dialing", "canceled", "claimed", "dialing"]
    assert (await lab.row(claims[3].call_id))["attempts"] == 1


async def test_what_was_called_off_does_not_start(lab: Lab) -> None:
    claimed = await lab.claimed()
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")
    assert await start(lab.pool, lab.deployment_id, [claimed]) == set()
    assert (await lab.row(claimed.call_id))["attempts"] == 0


async def test_nothing_starts_while_paused(lab: Lab) -> None:
    claimed = await lab.claimed()
    await pause(lab.pool, lab.deployment_id)
    assert await start(lab.pool, lab.deployment_id, [claimed]) == set()
    await resume(lab.pool, lab.deployment_id)
    [again] = await lab.claim()
    assert await start(lab.pool, lab.deployment_id, [again.claim]) == {claimed.call_id}


async def test_nothing_starts_after_its_window(lab: Lab) -> None:
    claimed = await lab.claimed(Schedule(end=time.time() + 3600))
    await lab.do("UPDATE call SET start_at = now() - interval '2 s', end_at = now() - interval '1 s'")
    assert await start(lab.pool, lab.deployment_id, [claimed]) == set()


async def test_a_call_that_was_rescued_and_claimed_again_starts_by_the_new_claim_only(lab: Lab) -> None:
    old = await lab.claimed()
    await lab.lapse(lab.dialer_id)
    await rescue(lab.pool)
    lab.dialer_id = (await Lab.open(lab.url, lab.pool)).dialer_id
    [again] = await lab.claim()
    assert again.claim.call_id == old.call_id
    assert await start(lab.pool, lab.deployment_id, [old]) == set()
    assert await start(lab.pool, lab.deployment_id, [again.claim]) == {old.call_id}


async def _called_off(lab: Lab, _claim: Claim) -> None:
    await cancel_pending(lab.pool, lab.deployment_id, user_id=None, origin="test")


async def _called_off_alone(lab: Lab, claim: Claim) -> None:
    await cancel_call(lab.pool, lab.deployment_id, claim.call_id)


async def _paused(lab: Lab, _claim: Claim) -> None:
    await pause(lab.pool, lab.deployment_id)


async def _closed(lab: Lab, claim: Claim) -> None:
    past = "UPDATE call SET start_at = now() - interval '2 s', end_at = now() - interval '1 s' WHERE id = %s"
    await lab.do(past, claim.call_id)


async def _rescued(lab: Lab, _claim: Claim) -> None:
    await lab.lapse(lab.dialer_id)
    await rescue(lab.pool)


@pytest.mark.parametrize(
    ("happen", "reason", "state"),
    [
        (_called_off, Refusal.CANCELED, "queued"),
        (_paused, Refusal.PAUSED, "queued"),
        (_closed, Refusal.WINDOW_CLOSED, "queued"),
        (_called_off_alone, Refusal.GONE, "canceled"),
        (_rescued, Refusal.GONE, "queued"),
    ],
)
async def test_what_is_refused_is_given_back_with_its_reason_and_never_claimed_in_a_loop(
    lab: Lab, happen: Callable[[Lab, Claim], Awaitable[None]], reason: Refusal, state: str
) -> None:
    claimed = await lab.claimed()
    before = await lab.row(claimed.call_id)
    await happen(lab, claimed)
    answers = await starting.start(lab.pool, lab.deployment_id, [as_claimed(claimed)])
    assert answers == {claimed.call_id: starting.Refused(reason)}
    after = await lab.row(claimed.call_id)
    assert (after["state"], after["token"], after["dialer_id"], after["attempts"]) == (state, None, None, 0)
    assert (after["epoch"], after["due_at"], after["dialog"]) == (before["epoch"], before["due_at"], None)
    assert await lab.claim() == []


async def test_a_permit_names_the_attempt_and_its_dialog_is_written_with_the_start(lab: Lab) -> None:
    claimed = as_claimed(await lab.claimed())
    sent = boot_time()
    answers = await starting.start(lab.pool, lab.deployment_id, [claimed])
    answer = answers[claimed.claim.call_id]
    assert isinstance(answer, starting.Started)
    permit = answer.permit
    assert (permit.call_id, permit.attempt, permit.number) == (claimed.claim.call_id, 1, "+16175551234")
    assert (permit.caller_id, permit.ring_timeout) == (None, 30.0)
    assert sent + starting.FENCE <= permit.deadline < boot_time() + starting.FENCE
    assert (await lab.row(permit.call_id))["dialog"] == {"trunk_id": 1, **asdict(permit.dialog)}


async def test_the_dialog_is_forgotten_when_the_attempt_is_over_or_never_was(lab: Lab) -> None:
    withdrawn, failed, completed = await lab.dialing(), await lab.dialing(), await lab.connected()
    assert await withdraw(lab.pool, lab.deployment_id, [withdrawn])
    assert await lab.settle(failed, Result.BUSY)
    assert await lab.settle(completed, Result.ANSWERED)
    assert [row["dialog"] for row in await lab.rows("SELECT dialog FROM call")] == [None] * 3


async def test_a_claim_of_another_deployment_starts_nothing(lab: Lab) -> None:
    other = await Lab.open(lab.url, lab.pool)
    claimed = await lab.claimed()
    assert await start(lab.pool, other.deployment_id, [claimed]) == set()
    assert await start(lab.pool, other.deployment_id, [Claim(1, 999, claimed.token)]) == set()


async def test_what_was_claimed_and_given_back_keeps_its_place_and_its_attempts(lab: Lab) -> None:
    claimed = await lab.claimed()
    before = await lab.row(claimed.call_id)
    assert await withdraw(lab.pool, lab.deployment_id, [claimed], wait=0) == {claimed.call_id}
    after = await lab.row(claimed.call_id)
    assert (after["state"], after["due_at"], after["attempts"]) == ("queued", before["due_at"], 0)
    assert names(await lab.status(claimed.call_id)) == ["queued"]
    assert await withdraw(lab.pool, lab.deployment_id, [claimed], wait=0) == set()


async def test_what_was_started_and_never_sent_can_be_given_back_as_if_nothing_had_been(lab: Lab) -> None:
    dialing = await lab.dialing()
    assert await withdraw(lab.pool, lab.deployment_id, [dialing], wait=0) == {dialing.call_id}
    call = await lab.status(dialing.call_id)
    assert (call.status, call.attempts, names(call)) == ("queued", 0, ["queued"])
    [again] = await lab.claim()
    assert again.attempt == 1


async def test_what_is_given_back_for_later_is_due_later(lab: Lab) -> None:
    claimed = await lab.claimed()
    await withdraw(lab.pool, lab.deployment_id, [claimed], wait=30)
    row = await lab.row(claimed.call_id)
    assert 25 < row["due_at"].timestamp() - time.time() <= 30
    assert await lab.claim() == []


async def test_a_conversation_and_anothers_call_cannot_be_given_back(lab: Lab) -> None:
    claimed, connected = await lab.claimed(), await lab.connected()
    claims = [connected, *with_other_tokens([claimed])]
    assert await withdraw(lab.pool, lab.deployment_id, claims, wait=0) == set()
    assert [await lab.state(claim.call_id) for claim in (claimed, connected)] == ["claimed", "connected"]
