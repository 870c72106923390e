"""What happens on a connected call, until the far end or we hang up."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from calloff.calls.claim import ClaimedCall
from calloff.domain.results import CalleeType
from calloff.trunks.base import Connected, Ended, Leg, Trunk
from calloff.voice.applications import Application, Applications
from calloff.voice.interpreter import CallInfo, run
from calloff.voice.line import Line
from calloff.voice.prompts import Media

SILENT_CALL = 30.0
"""Seconds after which a call to a deployment without an application is hung up, if the far end has not done so."""


@dataclass(frozen=True, slots=True)
class Talked:
    """What is known of a connected call once it is over."""

    ended: Ended
    callee_type: CalleeType
    collected: Mapping[str, str] = field(default_factory=dict)
    """What the application collected."""
    details: Mapping[str, object] = field(default_factory=dict)
    """How the application ended, and its error if it had one."""


class Conversations:
    """Leads the connected calls of a dialer."""

    def __init__(self, applications: Applications, media: Media) -> None:
        self._applications = applications
        self._media = media

    async def talk(
        self, call: ClaimedCall, application: Application | None, trunk: Trunk, leg: Leg, connected: Connected
    ) -> Talked:
        """Send the call's `postd` digits, run its application, hang up, and tell what came of it."""
        async with Line(trunk, leg, connected) as line:
            if call.postd:
                await trunk.send_digits(leg, call.postd)
            if application is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(line.wait_ended(), SILENT_CALL)
                collected, details = {}, {}
            else:
                info = CallInfo(
                    id=str(call.claim.call_id),
                    variables=call.variables,
                    remote=call.phone_number,
                    local=call.caller_id or "",
                    private=call.is_pci,
                )
                outcome = await run(
                    application.document, line, info, self._media, partial(self._applications.recording, application)
                )
                collected = outcome.variables
                details = {"application": outcome.end, **({"error": outcome.error} if outcome.error else {})}
            await trunk.hang_up(leg)
            ended = await line.wait_ended()
            return Talked(ended, _settled(line.callee_type), collected, details)

    async def application_of(self, call: ClaimedCall) -> Application | None:
        """The application that the call runs, read before it is dialed; None if its deployment has none."""
        if call.document_version is None:
            return None
        return await self._applications.find(call.claim.deployment_id, call.document_version)


def _settled(callee_type: CalleeType) -> CalleeType:
    """A call that ended before anybody could tell who answered."""
    return CalleeType.UNKNOWN if callee_type is CalleeType.PROCESSING else callee_type
