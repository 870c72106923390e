"""The story of one attempt: started, dialed, answered, over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from calloff.dialer.records import Records, stopwatch
from calloff.dialer.talk import Talked, talk
from calloff.domain.errors import InvalidInput, OutcomeUnknown
from calloff.domain.phone import mask
from calloff.domain.results import Result
from calloff.queue.claim import ClaimedCall
from calloff.trunks.base import Connected, DialRequest, Ended, Leg, TooLate, Trunk, TrunkUnavailable, boot_time

FENCE = 1.0
"""Seconds after its start was sent in which an INVITE may leave (promise S2)."""
_TRUNK_WAIT = 5.0
"""Seconds before a call is due again whose trunk could not take it."""
_log = logging.getLogger(__name__)


async def follow(
    call: ClaimedCall, find_trunk: Callable[[int], Awaitable[Trunk]], records: Records, legs: dict[Leg, Trunk]
) -> None:
    """Lead `call` from its claim to its end, or give it back if it may not or cannot be dialed.

    While its leg is up, it is in `legs`: hanging it up there ends the call. Whoever cancels this task leaves a call
    that was started to the rescue.
    """
    dialed = await _dial(call, find_trunk, records)
    if dialed is None:
        return
    trunk, leg = dialed
    legs[leg] = trunk
    try:
        await _follow_leg(call, trunk, leg, records)
    finally:
        del legs[leg]
        await trunk.hang_up(leg)


async def _dial(
    call: ClaimedCall, find_trunk: Callable[[int], Awaitable[Trunk]], records: Records
) -> tuple[Trunk, Leg] | None:
    try:
        trunk = await find_trunk(call.trunk_id)
    except TrunkUnavailable as error:
        _log.error("call %d waits for its trunk: %s", call.claim.call_id, error.message)
        await records.withdraw(call.claim, wait=_TRUNK_WAIT)
        return None
    start_sent = boot_time()
    try:
        started = await records.start(call.claim)
    except OutcomeUnknown:
        started = False
    if not started:
        await records.withdraw(call.claim)
        return None
    request = DialRequest(call.phone_number, call.caller_id, call.ring_timeout, deadline=start_sent + FENCE)
    try:
        return trunk, await trunk.dial(request)
    except TooLate:
        _log.warning("call %d was started too slowly to be dialed; it waits again", call.claim.call_id)
        await records.withdraw(call.claim)
    except TrunkUnavailable as error:
        _log.error("call %d waits for its trunk: %s", call.claim.call_id, error.message)
        await records.withdraw(call.claim, wait=_TRUNK_WAIT)
    except InvalidInput as error:
        await _settle(call, Ended(Result.INVALID_NUMBER, reason=error.message), records)
    return None


async def _follow_leg(call: ClaimedCall, trunk: Trunk, leg: Leg, records: Records) -> None:
    number = "" if call.is_pci else f" to {mask(call.phone_number)}"
    _log.info("call %d%s dialed, attempt %d", call.claim.call_id, number, call.attempt, extra=_correlation(leg))
    while not isinstance(event := await leg.next_event(), Connected | Ended):
        pass
    if isinstance(event, Ended):
        await _settle(call, event, records, leg=leg)
        return
    # The conversation does not wait for the database, and its end is written down after its beginning.
    written = asyncio.create_task(records.connected(call.claim, _correlation(leg)))
    try:
        talked = await talk(call, trunk, leg, event)
        age = stopwatch()
        await written
    finally:
        written.cancel()
    await _settle(call, talked.ended, records, leg=leg, talked=talked, age=age)


async def _settle(
    call: ClaimedCall,
    ended: Ended,
    records: Records,
    *,
    leg: Leg | None = None,
    talked: Talked | None = None,
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
        details=_correlation(leg) | ({"reason": ended.reason} if ended.reason else {}),
        age=age or stopwatch(),
    )


def _correlation(leg: Leg | None) -> dict[str, str]:
    return {"sip_call_id": leg.sip_call_id} if leg and leg.sip_call_id else {}
