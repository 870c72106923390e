"""Takes back the calls of dialers that died."""

from dataclasses import dataclass
from typing import Any

from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.permits import AbandonedAttempt, DialogIds

LEASE = 10.0
"""Seconds that a dialer may be silent; then its calls are taken away from it."""


@dataclass(frozen=True, slots=True)
class Rescue:
    """What was taken back."""

    calls: int
    abandoned: tuple[AbandonedAttempt, ...] = ()
    """What may still ring, or be off the hook, somewhere: for those trunks to end."""


async def rescue(pool: Pool) -> Rescue:
    """Forget the dialers whose lease is over and take back what they held.

    What was claimed is queued again without using up an attempt. What was dialing or connected ends as `unknown`, or
    waits for another attempt if the deployment says so. A call that was claimed a lease ago and never started is taken
    back too, also from a dialer that is well: the answer to its claim was lost.
    """
    async with pool.connection() as connection:
        row = await (await connection.execute(load(__package__, "rescue"), {"patience": LEASE})).fetchone()
    assert row is not None
    return Rescue(row["value"]["rescued"], tuple(_attempt(left) for left in row["value"]["abandoned"]))


def _attempt(left: dict[str, Any]) -> AbandonedAttempt:
    dialog = left["dialog"]
    return AbandonedAttempt(
        call_id=left["call_id"],
        trunk_id=dialog["trunk_id"],
        number=left["number"],
        caller_id=left["caller_id"],
        dialog=DialogIds(
            dialog["sip_call_id"], dialog["branch"], dialog["from_tag"], dialog["cseq"], dialog.get("sent_by")
        ),
        is_connected=left["is_connected"],
        kept=dialog.get("kept", {}),
    )
