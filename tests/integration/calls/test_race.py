"""Six dialers against a canceling client: the promises hold, and each of them breaks when the lock is tampered with.

The mutants are the proof that the race can see what it looks for. For them the server lingers where it matters: between
the start and its commit, and between the lock and the commit of a cancel. The true functions have to stand
that, too.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.calls.lab import Lab, change_function
from tests.integration.calls.race import Race

LOCK = "PERFORM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id));"
CLAIMS = "FROM unnest(p_call_ids, p_tokens, p_dialogs) AS claim (id, token, dialog)"
STARTED = "IF cardinality(v_started) < cardinality(p_call_ids) THEN"
KEY_SHARE = "PERFORM FROM queue WHERE deployment_id = p_deployment_id FOR KEY SHARE;"
LOCK_AND_CLAIMS = CLAIMS.replace("FROM ", "FROM pg_advisory_xact_lock_shared(queue_lock_key(p_deployment_id)), ")
MUTANTS = {
    "no lock": {"start_calls": {LOCK: ""}, "claim_calls": {LOCK: ""}},
    "key share": {"start_calls": {LOCK: KEY_SHARE}, "claim_calls": {LOCK: KEY_SHARE}},
    "lock and read in one statement": {"start_calls": {LOCK: "", CLAIMS: LOCK_AND_CLAIMS}},
}
SECONDS = 12.0
ENOUGH = {"cancels": 20, "invites": 200, "canceled": 20, "retried": 20}
BROKEN = "S1: dialed after it was called off"


@pytest.fixture
async def race(own_lab: Lab, tmp_path: Path) -> AsyncIterator[Race]:
    race = await Race.prepare(own_lab, tmp_path / "workers.log")
    yield race
    race.abandon()


async def test_the_promises_hold_whoever_is_killed(race: Race) -> None:
    race.begin()
    assert await race.run(SECONDS, kill_every=2) == []
    async with asyncio.timeout(120):
        # On a busy machine it takes longer until enough has happened for the promises to be broken.
        while any(number <= ENOUGH[name] for name, number in (await race.tally()).items() if name in ENOUGH):
            assert await race.run(2, kill_every=1) == []
    assert await race.finish(60) == []


async def test_the_race_sees_each_start_that_does_not_lock_first_and_read_after(race: Race) -> None:
    lab = race.lab
    await change_function(
        lab, "cancel_pending", "    RETURN v_epoch;", "    PERFORM pg_sleep(0.03);\n    RETURN v_epoch;"
    )
    lingering = f"PERFORM pg_sleep(0.005 + random() * 0.02);\n    {STARTED}"
    await change_function(lab, "start_calls", STARTED, lingering)
    true_functions = await lab.rows(
        "SELECT pg_get_functiondef(oid) AS text FROM pg_proc WHERE proname IN ('start_calls', 'claim_calls')"
    )
    race.begin()
    assert await race.run(4) == []
    for mutant, changes in MUTANTS.items():
        for function, texts in changes.items():
            for old, new in texts.items():
                await change_function(lab, function, old, new)
        broken = await race.run(20)
        assert broken, f"the race does not see the mutant: {mutant}"
        assert broken[0].startswith(BROKEN)
        for true_function in true_functions:
            await lab.do(true_function["text"])
        race.forgive()
        assert await race.run(0.5) == [], f"the race still sees {mutant} after it was put right"
