"""What happens on a connected call, until the far end or we hang up."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from calloff.domain.results import CalleeType
from calloff.queue.claim import ClaimedCall
from calloff.trunks.base import Connected, Ended, Leg, Trunk


@dataclass(frozen=True, slots=True)
class Talked:
    """What is known of a connected call once it is over."""

    ended: Ended
    callee_type: CalleeType
    collected: Mapping[str, str] = field(default_factory=dict)
    """What the application collected."""


async def talk(call: ClaimedCall, trunk: Trunk, leg: Leg, connected: Connected) -> Talked:
    """Send the call's `postd` digits, then wait for the end of the leg."""
    if call.postd:
        await trunk.send_digits(leg, call.postd)
    while not isinstance(event := await leg.next_event(), Ended):
        pass
    return Talked(event, connected.callee_type or CalleeType.UNKNOWN)
