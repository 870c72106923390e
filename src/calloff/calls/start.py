"""The point of no return between a claimed call and its INVITE."""

from collections.abc import Sequence

from calloff.calls.claim import Claim
from calloff.db.certain import call_certainly
from calloff.db.pool import Pool
from calloff.db.statements import load


async def start(pool: Pool, deployment_id: int, claims: Sequence[Claim]) -> set[int]:
    """Start claimed calls of one deployment; returns the IDs of those whose INVITE may leave, now and once.

    The others were canceled, paused or rescued, or their window has closed: give them back with `withdraw`. Raises
    `OutcomeUnknown` if the server did not confirm: then none of them may be dialed.
    """
    started = await call_certainly(
        pool,
        load(__package__, "start"),
        {
            "deployment_id": deployment_id,
            "call_ids": [claim.call_id for claim in claims],
            "tokens": [claim.token for claim in claims],
        },
    )
    return set(started)
