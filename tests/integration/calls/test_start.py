"""The point of no return, and what may pass it."""

import time

from calloff.calls.cancel import cancel_call, cancel_pending, pause, resume
from calloff.calls.claim import Claim
from calloff.calls.rescue import rescue
from calloff.calls.settle import withdraw
from calloff.calls.start import start
from calloff.domain.schedule import Schedule
from tests.integration.calls.lab import Lab, names, with_other_tokens


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
    assert await start(lab.pool, lab.deployment_id, [claimed]) == {claimed.call_id}


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
