"""Hands due calls to a dialer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from calloff.db.pool import Pool
from calloff.db.statements import load

HORIZON = 0.2
"""Seconds that a call may be claimed ahead of its slot in the pace, so that no slot is lost to a round trip."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a dialer holds of a call: with it, and only with it, the dialer may move the call on."""

    deployment_id: int
    call_id: int
    token: UUID
    """The same for all calls that were claimed at once."""


@dataclass(frozen=True, slots=True)
class ClaimedCall:
    """A call handed to a dialer, still pending until it is started."""

    claim: Claim
    epoch: int
    """Of its queue: a cancel since has a higher one."""
    trunk_id: int
    phone_number: str
    """As its caller wrote it."""
    number: str
    """The same as it is dialed, in E.164."""
    caller_id: str | None
    postd: str | None
    is_pci: bool
    variables: Mapping[str, str]
    attempt: int
    """Which attempt this would be, from 1."""
    ring_timeout: float
    """Seconds."""
    message_version_id: int | None
    """Of what is published to the deployment, which the call keeps; None if nothing is."""
    delay: float
    """Seconds from the claim until the pace allows the start."""
    sent_by: str | None = None
    """Set by the dialer before the start: what `DialogIds.sent_by` is to be."""


@dataclass(frozen=True, slots=True)
class DueQueue:
    """A queue in which a live call waits."""

    deployment_id: int
    due_in: float
    """Seconds until its first call is due; 0 or less is now."""


async def due_queues(pool: Pool) -> list[DueQueue]:
    """Every queue with a live call that waits, by deployment."""
    async with pool.connection() as connection:
        cursor = await connection.execute(load(__package__, "due"))
        return [DueQueue(row["deployment_id"], row["due_in"]) for row in await cursor.fetchall()]


async def claim(
    pool: Pool, deployment_id: int, *, dialer_id: int, limit: int
) -> tuple[list[ClaimedCall], float | None]:
    """Claim at most `limit` due calls of the deployment, as far as its limits and its trunk's allow.

    Returns the calls in the order in which they are due, and the seconds after which the limits may allow more; None
    if it was not the limits that ended it.
    """
    async with pool.connection() as connection:
        cursor = await connection.execute(
            load(__package__, "claim"),
            {"deployment_id": deployment_id, "dialer_id": dialer_id, "limit": limit, "horizon": HORIZON},
        )
        row = await cursor.fetchone()
    assert row is not None
    return _calls(deployment_id, row["value"]), row["value"]["wait"]


def _calls(deployment_id: int, claimed: dict[str, Any]) -> list[ClaimedCall]:
    if not claimed["calls"]:
        return []
    token = UUID(claimed["token"])
    return [
        ClaimedCall(
            claim=Claim(deployment_id, call["id"], token),
            epoch=claimed["epoch"],
            trunk_id=claimed["trunk_id"],
            phone_number=call["phone_number"],
            number=call["number"],
            caller_id=call["caller_id"],
            postd=call["postd"],
            is_pci=call["is_pci"],
            variables=call["variables"] or {},
            attempt=call["attempt"],
            ring_timeout=claimed["ring_timeout"],
            message_version_id=claimed["message_version_id"],
            delay=claimed["delay"] + place * claimed["interval"],
        )
        for place, call in enumerate(claimed["calls"])
    ]
