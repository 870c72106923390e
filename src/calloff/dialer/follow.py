"""The story of one attempt: started, dialed, answered, over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

import psycopg

from calloff.calls.claim import ClaimedCall
from calloff.calls.start import FENCE, Refused
from calloff.dialer.legs import Legs
from calloff.dialer.records import Records, stopwatch
from calloff.dialer.talk import Conversations, Talked
from calloff.domain.errors import CalloffError, InvalidInput, OutcomeUnknown
from calloff.domain.phone import mask
from calloff.domain.results import Result
from calloff.trunks.base import Connected, Ended, Leg, TooLate, Trunk, TrunkUnavailable, boot_time

_TRUNK_WAIT = 5.0
"""Seconds before a call is due again whose trunk could not take it."""
_LATE_WAIT = 1.0
"""Seconds before a call is due again whose start was not confirmed in time: a server that is slow is left alone."""
_log = logging.getLogger(__name__)


FindTrunk = Callable[[int], Awaitable[Trunk]]
"""Gives the running trunk of an ID, or raises `TrunkUnavailable`."""


async def follow(
    call: ClaimedCall,
    find_trunk: FindTrunk,
    conversations: Conversations,
    records: Records,
    legs: Legs,
) -> None:
    """Lead `call` from its claim to its end, or give it back if it may not or cannot be dialed.

    While its leg is up, it is in `legs`: hanging it up there ends the call. Whoever cancels this task leaves a call
    that was started to the rescue.
    """
    try:
        trunk = await find_trunk(call.trunk_id)
        application = await conversations.application_of(call)
    except (CalloffError, psycopg.Error) as error:
        # Found out before the start, so that nobody picks up to hear nothing.
        reason = error.message if isinstance(error, CalloffError) else type(error).__name__
        _log.error("call %d waits: %s", call.claim.call_id, reason)
        await records.withdraw(call.claim, wait=_TRUNK_WAIT)
        return
    leg = await _dial(call, trunk, records, legs)
    if leg is None:
        return
    legs.add(leg, trunk, call)
    preparing = asyncio.create_task(conversations.prepare(call, application))
    try:
        connected = await _wait_for_answer(call, leg, records, legs)
        if connected is None:
            return
        # The conversation does not wait for the database, and its end is written down after its beginning.
        written = asyncio.create_task(records.connected(call.claim, _correlation(leg), leg.dialog))
        try:
            talked = await conversations.talk(call, application, trunk, leg, connected)
            age = stopwatch()
            await written
        finally:
            written.cancel()
        await _settle(call, talked.ended, records, leg=leg, talked=talked, age=age)
    except Exception as error:  # a fault of ours must not leave a call that nobody follows
        _log.error("call %d could not be followed: %s", call.claim.call_id, type(error).__name__, exc_info=error)
        await _settle(call, Ended(Result.UNKNOWN, reason="fault of the dialer"), records, leg=leg)
    finally:
        preparing.cancel()
        legs.remove(leg)
        await trunk.hang_up(leg)


async def _dial(call: ClaimedCall, trunk: Trunk, records: Records, legs: Legs) -> Leg | None:
    try:
        answer = await records.start(replace(call, sent_by=trunk.sent_by()))
    except OutcomeUnknown:
        await records.withdraw(call.claim, wait=_LATE_WAIT)
        return None
    if isinstance(answer, Refused):
        _log.info("call %d was not started: %s", call.claim.call_id, answer.reason)
        return None
    if legs.was_called_off(call):
        await records.withdraw(call.claim)
        return None
    try:
        leg = await trunk.dial(answer.permit)
        records.latencies.observe("invite", boot_time() - (answer.permit.deadline - FENCE))
        return leg
    except TooLate:
        _log.warning("call %d was started too slowly to be dialed; it waits again", call.claim.call_id)
        await records.withdraw(call.claim, wait=_LATE_WAIT)
    except TrunkUnavailable as error:
        _log.error("call %d waits for its trunk: %s", call.claim.call_id, error.message)
        await records.withdraw(call.claim, wait=_TRUNK_WAIT)
    except InvalidInput as error:
        await _settle(call, Ended(Result.INVALID_NUMBER, reason=error.message), records)
    return None


async def _wait_for_answer(call: ClaimedCall, leg: Leg, records: Records, legs: Legs) -> Connected | None:
    number = "" if call.is_pci else f" to {mask(call.phone_number)}"
    _log.info("call %d%s dialed, attempt %d", call.claim.call_id, number, call.attempt, extra=_correlation(leg))
    while not isinstance(event := await leg.next_event(), Connected | Ended):
        pass
    if isinstance(event, Connected):
        return event
    await _settle(call, event, records, leg=leg, called_off=legs.ended_by_cancel(leg))
    return None


async def _settle(
    call: ClaimedCall,
    ended: Ended,
    records: Records,
    *,
    leg: Leg | None = None,
    talked: Talked | None = None,
    called_off: bool = False,
    age: Callable[[], float] | None = None,
) -> None:
    level = logging.ERROR if ended.result is Result.REJECTED else logging.INFO
    _log.log(
        level,
        "call %d ended: %s %s (%s)",
        call.claim.call_id,
        ended.result,
        ended.sip_code,
        ended.reason,
        extra=_correlation(leg),
    )
    await records.ended(
        call.claim,
        ended.result,
        sip_code=ended.sip_code,
        callee_type=talked.callee_type if talked else None,
        collected=talked.collected if talked else None,
        details={
            **_correlation(leg),
            **({"reason": ended.reason} if ended.reason else {}),
            **(talked.details if talked else {}),
        },
        called_off=called_off,
        age=age or stopwatch(),
    )


def _correlation(leg: Leg | None) -> dict[str, str]:
    return {"sip_call_id": leg.sip_call_id} if leg and leg.sip_call_id else {}
