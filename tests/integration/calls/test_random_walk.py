"""Whatever is done to calls, in whatever order: what has to be true of them stays true."""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from calloff.calls.cancel import cancel_call, cancel_pending, pause, resume
from calloff.calls.claim import Claim
from calloff.calls.expire import expire
from calloff.calls.rescue import rescue
from calloff.calls.settle import Answer, connect, withdraw
from calloff.db.pool import Pool
from calloff.domain.calls import STATUSES
from calloff.domain.errors import NotPending
from calloff.domain.results import Result
from calloff.reports.read import list_calls
from calloff.upkeep.dialers import register
from calloff.upkeep.settler import settle_canceled
from tests.integration.calls.lab import RETRIED, Lab, start

STEPS = 300


class Walk:
    """One walk: a dialer that remembers every claim it ever got, and uses the old ones too."""

    def __init__(self, lab: Lab, choose: random.Random) -> None:
        self.lab = lab
        self.choose = choose
        self.claims: list[Claim] = []

    def some_claims(self) -> list[Claim]:
        """Mostly of the latest ones, which may still be good for something, and now and then of any."""
        claims = self.claims if self.choose.random() < 0.2 else self.claims[-10:]
        return self.choose.sample(claims, min(len(claims), self.choose.randint(1, 4)))

    async def submit(self) -> None:
        schedule = self.choose.choice([RETRIED, None])
        await (self.lab.submit(schedule) if schedule else self.lab.submit())

    async def fill(self) -> None:
        await self.lab.fill(self.choose.randint(1, 5), closes=self.choose.random() < 0.3)

    async def claim(self) -> None:
        self.claims += [call.claim for call in await self.lab.claim(limit=self.choose.randint(1, 5))]

    async def start(self) -> None:
        await start(self.lab.pool, self.lab.deployment_id, self.some_claims())

    async def connect(self) -> None:
        await connect(self.lab.pool, self.lab.deployment_id, [Answer(claim, ago=0) for claim in self.some_claims()])

    async def settle(self) -> None:
        for claim in self.some_claims():
            await self.lab.settle(claim, self.choose.choice([Result.ANSWERED, Result.BUSY, Result.INVALID_NUMBER]))

    async def withdraw(self) -> None:
        await withdraw(self.lab.pool, self.lab.deployment_id, self.some_claims(), wait=0)

    async def cancel(self) -> None:
        await cancel_pending(self.lab.pool, self.lab.deployment_id, user_id=None, origin="walk")

    async def cancel_call(self) -> None:
        if self.claims:
            with suppress(NotPending):
                await cancel_call(self.lab.pool, self.lab.deployment_id, self.choose.choice(self.claims).call_id)

    async def sweep(self) -> None:
        await settle_canceled(self.lab.pool)

    async def pause(self) -> None:
        await pause(self.lab.pool, self.lab.deployment_id)

    async def resume(self) -> None:
        await resume(self.lab.pool, self.lab.deployment_id)

    async def die(self) -> None:
        await self.lab.lapse(self.lab.dialer_id)
        self.lab.dialer_id = await register(self.lab.pool, name="next", ports=5)
        await rescue(self.lab.pool)

    async def wait(self) -> None:
        await self.lab.do("UPDATE call SET due_at = now() WHERE state = 'queued' AND due_at > now()")

    async def close(self) -> None:
        await self.lab.do("UPDATE call SET end_at = now() WHERE state = 'queued' AND end_at > now() AND id % 3 = 0")
        await expire(self.lab.pool)

    async def purge(self) -> None:
        await self.lab.do("DELETE FROM call WHERE ended_at IS NOT NULL AND id % 5 = 0")

    def steps(self) -> list[Callable[[], Awaitable[None]]]:
        often = [self.submit, self.claim, self.start, self.connect, self.settle] * 5
        return [*often, self.fill, self.withdraw, self.cancel, self.cancel_call, self.sweep, self.resume]

    def rare_steps(self) -> list[Callable[[], Awaitable[None]]]:
        return [self.die, self.wait, self.close, self.purge, self.pause]


@pytest.mark.parametrize("walk", range(4))
async def test_counts_tokens_and_outbox_are_true_after_every_walk(database_url: str, pool: Pool, walk: int) -> None:
    lab = await Lab.open(database_url, pool, on_unknown=["fail", "retry"][walk % 2])
    choose = random.Random(walk)
    walker = Walk(lab, choose)
    over: dict[int, object] = {}
    for step in range(STEPS):
        await choose.choice(walker.steps() if choose.random() < 0.9 else walker.rare_steps())()
        if step % 10 == 9:
            await assert_true(lab)
            now_over = {row["id"]: row for row in await lab.rows("SELECT * FROM call WHERE ended_at IS NOT NULL")}
            assert {call_id: now_over[call_id] for call_id in over.keys() & now_over.keys()} == {
                call_id: row for call_id, row in over.items() if call_id in now_over
            }
            over = dict(now_over)
    await walker.resume()
    await walker.cancel()
    await withdraw(lab.pool, lab.deployment_id, walker.claims)
    await walker.sweep()
    await assert_true(lab)
    assert await lab.rows("SELECT FROM call WHERE state IN ('queued', 'claimed')") == []
    ended = {state for state, _ in await lab.counted()}
    assert ended >= {"completed", "failed", "canceled"}, "the walk did not get far"


async def assert_true(lab: Lab) -> None:
    await lab.assert_counts_are_true()
    # A token belongs to one claim.
    shared = (
        "SELECT FROM call WHERE token IS NOT NULL GROUP BY token HAVING count(DISTINCT (dialer_id, claimed_at)) > 1"
    )
    assert await lab.rows(shared) == []
    wrong = "SELECT * FROM call WHERE attempts <> (SELECT count(*) FROM jsonb_array_elements(events) AS e "
    assert await lab.rows(wrong + "WHERE e->>'event' = 'dialing')") == []
    receipts = await lab.rows(
        "SELECT (SELECT sum(settled_calls) FROM cancellation)::int AS told, count(*)::int AS settled FROM call "
        "WHERE state = 'canceled' AND ended_at IN (SELECT canceled_at FROM cancellation)"
    )
    deleted = (await lab.rows("SELECT count(*)::int AS n FROM call"))[0]["n"]
    newest = await lab.rows("SELECT last_value::int AS n FROM call_id_seq")
    if deleted == newest[0]["n"]:
        assert receipts[0]["told"] in (None, receipts[0]["settled"])
    listed = await list_calls(lab.pool, lab.deployment_id, limit=10000)
    by_status = [await list_calls(lab.pool, lab.deployment_id, limit=10000, statuses=[name]) for name in STATUSES]
    assert len(listed) == sum(map(len, by_status)) == deleted
