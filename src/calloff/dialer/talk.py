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
from calloff.voice.interpreter import CallInfo, Outcome, run
from calloff.voice.line import Line
from calloff.voice.loader import ReadUpload
from calloff.voice.prepare import prepare
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
                talked: tuple[Mapping[str, str], Mapping[str, object]] = ({}, {})
            else:
                outcome = await run(application.document, line, _info(call), self._media, self._files_of(application))
                talked = outcome.collected, {"message": str(application), **details_of(outcome)}
            await trunk.hang_up(leg)
            ended = await line.wait_ended()
            return Talked(ended, _settled(line.callee_type), *talked)

    async def prepare(self, call: ClaimedCall, application: Application | None) -> None:
        """Make what the call will hear, while it rings. Never raises but for cancellation."""
        if application is not None:
            await prepare(application.document, _info(call), self._media, self._files_of(application))

    def _files_of(self, application: Application) -> ReadUpload:
        return partial(self._applications.recording, application)

    async def application_of(self, call: ClaimedCall) -> Application | None:
        """The application that the call runs, read before it is dialed; None if its deployment has none."""
        if call.message_version_id is None:
            return None
        return await self._applications.find(call.message_version_id)


def details_of(outcome: Outcome) -> dict[str, object]:
    """What is written down of an application: `completed` or `error`, how it ended, what it asked, what went wrong."""
    details: dict[str, object] = {
        "application": "error" if outcome.failed else "completed",
        "application_end": outcome.end,
        "asked": list(outcome.asked),
    }
    if outcome.fault is not None:
        fault = outcome.fault
        details["error"] = str(fault)
        details["fault"] = {"event": fault.event, "element": fault.element, "line": fault.line}
    return details


def _info(call: ClaimedCall) -> CallInfo:
    return CallInfo(
        id=str(call.claim.call_id),
        variables=call.variables,
        remote=call.phone_number,
        local=call.caller_id or "",
        private=call.is_pci,
    )


def _settled(callee_type: CalleeType) -> CalleeType:
    """A call that ended before anybody could tell who answered."""
    return CalleeType.UNKNOWN if callee_type is CalleeType.PROCESSING else callee_type
