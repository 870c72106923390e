"""Legs that a cancel wants ended: those that are up, those that appear, and no others."""

import asyncio
from dataclasses import dataclass, field
from uuid import uuid4

from calloff.calls.claim import Claim, ClaimedCall
from calloff.dialer.legs import Legs
from calloff.trunks.base import Leg
from calloff.trunks.simulated import SimulatedTrunk
from tests.support.permits import permit


@dataclass(eq=False)
class Trunk(SimulatedTrunk):
    """Notes what is hung up."""

    hung_up: list[Leg] = field(default_factory=list)

    async def hang_up(self, leg: Leg) -> None:
        """Note it."""
        self.hung_up.append(leg)


def call(deployment_id: int, epoch: int) -> ClaimedCall:
    claim = Claim(deployment_id, 1, uuid4())
    return ClaimedCall(claim, epoch, 1, "+16175551234", "+16175551234", None, None, False, {}, 1, 30.0, None, 0.0)


def add(legs: Legs, trunk: Trunk, deployment_id: int, epoch: int) -> Leg:
    leg = Leg(permit("+16175551234"))
    legs.add(leg, trunk, call(deployment_id, epoch))
    return leg


async def test_what_is_older_than_the_cancel_is_hung_up_once() -> None:
    legs, trunk = Legs(), Trunk()
    old, new, elsewhere = add(legs, trunk, 1, 4), add(legs, trunk, 1, 5), add(legs, trunk, 2, 4)
    for _ in range(2):
        legs.call_off(1, 5)
        await asyncio.sleep(0)
    assert trunk.hung_up == [old]
    assert [legs.ended_by_cancel(leg) for leg in (old, new, elsewhere)] == [True, False, False]
    legs.remove(old)
    assert not legs.ended_by_cancel(old)
    assert sorted(legs.deployments) == [1, 2]


async def test_a_leg_that_appears_after_the_cancel_was_heard_of_is_hung_up_at_once() -> None:
    legs, trunk = Legs(), Trunk()
    legs.call_off(1, 5)
    legs.call_off(1, 3)
    assert legs.was_called_off(call(1, 4))
    assert not legs.was_called_off(call(1, 5))
    late = add(legs, trunk, 1, 4)
    add(legs, trunk, 1, 5)
    await asyncio.sleep(0)
    assert trunk.hung_up == [late]
