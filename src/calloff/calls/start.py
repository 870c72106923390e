"""The point of no return between a claimed call and its INVITE."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from psycopg.types.json import Jsonb

from calloff.calls.claim import ClaimedCall
from calloff.db.certain import call_certainly
from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.clock import boot_time
from calloff.domain.permits import DialogIds, Permit

FENCE = 1.0
"""Seconds after its start was sent in which an INVITE may leave (promise S2)."""


class Refusal(StrEnum):
    """Why a claimed call may not be dialed now. But for `GONE`, it has been given back or ended."""

    CANCELED = "canceled"
    PAUSED = "paused"
    """Its queue: it is due again when that goes on."""
    WINDOW_CLOSED = "window_closed"
    NOT_PERMITTED = "not_permitted"
    """A rule forbids it: the call is over, and its events name the rule."""
    HELD = "held"
    """Outside the hours: it is due again when they begin."""
    GONE = "gone"
    """The claim holds no more: the call was canceled alone, rescued, or started before."""


@dataclass(frozen=True, slots=True)
class Started:
    """The call is dialing: its INVITE may leave, once, by this permit."""

    permit: Permit


@dataclass(frozen=True, slots=True)
class Refused:
    """No INVITE may leave, and there is nothing to give back."""

    reason: Refusal


async def start(pool: Pool, deployment_id: int, calls: Sequence[ClaimedCall]) -> dict[int, Started | Refused]:
    """Start claimed calls of one deployment: the answer for each, by its ID.

    The dialogs' identifiers are written with the start, so that somebody else can end what a dead dialer left ringing.
    Raises `OutcomeUnknown` if the server did not confirm: then none of them may be dialed; `withdraw` them.
    """
    dialogs = [DialogIds.make(call.sent_by) for call in calls]
    deadline = boot_time() + FENCE
    answer = await call_certainly(
        pool,
        load(__package__, "start"),
        {
            "deployment_id": deployment_id,
            "call_ids": [call.claim.call_id for call in calls],
            "tokens": [call.claim.token for call in calls],
            "dialogs": [
                Jsonb({"trunk_id": call.trunk_id, **asdict(dialog)})
                for call, dialog in zip(calls, dialogs, strict=True)
            ],
        },
    )
    refused = {int(call_id): Refusal(reason) for call_id, reason in answer["refused"].items()}
    started = set(answer["started"])
    return {
        call.claim.call_id: Started(_permit(call, dialog, deadline))
        if call.claim.call_id in started
        else Refused(refused.get(call.claim.call_id, Refusal.GONE))
        for call, dialog in zip(calls, dialogs, strict=True)
    }


def _permit(call: ClaimedCall, dialog: DialogIds, deadline: float) -> Permit:
    return Permit(
        call_id=call.claim.call_id,
        attempt=call.attempt,
        number=call.number,
        caller_id=call.caller_id,
        ring_timeout=call.ring_timeout,
        deadline=deadline,
        dialog=dialog,
    )
