"""The legs of a dialer that are up, and which of them a cancel wants ended."""

import asyncio
import logging
from collections.abc import Collection

from calloff.calls.claim import ClaimedCall
from calloff.trunks.base import Leg, Trunk

_log = logging.getLogger(__name__)


class Legs:
    """Each leg from its INVITE to its end."""

    def __init__(self) -> None:
        self._up: dict[Leg, tuple[Trunk, ClaimedCall]] = {}
        self._called_off: set[Leg] = set()
        self._epochs: dict[int, int] = {}
        """For each deployment, the epoch of its last cancel that hangs up."""
        self._hanging_up: set[asyncio.Task[None]] = set()

    def add(self, leg: Leg, trunk: Trunk, call: ClaimedCall) -> None:
        """Take a leg that was just dialed; it is hung up at once if its call was called off meanwhile."""
        self._up[leg] = trunk, call
        if self.was_called_off(call):
            self._hang_up([leg])

    def remove(self, leg: Leg) -> None:
        """Let go of a leg that is over."""
        self._up.pop(leg, None)
        self._called_off.discard(leg)

    @property
    def deployments(self) -> Collection[int]:
        """Those of which a leg is up."""
        return {call.claim.deployment_id for _, call in self._up.values()}

    def was_called_off(self, call: ClaimedCall) -> bool:
        """Whether a cancel since its claim wants the call ended however far it is."""
        return call.epoch < self._epochs.get(call.claim.deployment_id, 0)

    def ended_by_cancel(self, leg: Leg) -> bool:
        """Whether it was a cancel that has hung the leg up."""
        return leg in self._called_off

    def call_off(self, deployment_id: int, epoch: int) -> None:
        """Hang up, all at once, the calls of the deployment that are older than `epoch`, now and as they appear."""
        self._epochs[deployment_id] = max(epoch, self._epochs.get(deployment_id, 0))
        found = [
            leg
            for leg, (_, call) in self._up.items()
            if call.claim.deployment_id == deployment_id and self.was_called_off(call) and leg not in self._called_off
        ]
        if found:
            _log.info("hangs up %d calls of deployment %d, which were called off", len(found), deployment_id)
        self._hang_up(found)

    async def hang_up_all(self) -> None:
        """End whatever is up."""
        for leg, (trunk, _) in list(self._up.items()):
            await trunk.hang_up(leg)

    def _hang_up(self, legs: Collection[Leg]) -> None:
        for leg in legs:
            self._called_off.add(leg)
            trunk, _ = self._up[leg]
            task = asyncio.ensure_future(trunk.hang_up(leg))
            self._hanging_up.add(task)
            task.add_done_callback(self._hanging_up.discard)
