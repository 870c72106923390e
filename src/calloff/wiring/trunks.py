"""Makes the concrete trunks of a dialer process when they are first needed, and anew when their settings change."""

import asyncio
import logging
import time
from dataclasses import asdict, dataclass

import psycopg

from calloff.accounts.secrets import SecretBox
from calloff.accounts.trunks import TrunkRecord, find_trunk
from calloff.db.pool import Pool
from calloff.domain.errors import NotConfigured, NotFound
from calloff.domain.permits import Permit
from calloff.media.events import Statistics
from calloff.reports.traces import AttemptTrace, TraceWriter
from calloff.sip.trace import Trace
from calloff.trunks.base import Trunk, TrunkUnavailable
from calloff.trunks.simulated import SimulatedTrunk
from calloff.trunks.sip import SipTrunk
from calloff.trunks.sip_endpoint import SipEndpoint
from calloff.trunks.sip_settings import SipEndpointSettings, SipTrunkSettings
from calloff.wiring.trunk_settings import AnyTrunkSettings, open_settings

_FRESH = 5.0
"""Seconds for which a trunk is used without a look at its settings."""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Running:
    record: TrunkRecord
    trunk: Trunk
    checked_at: float


class Trunks:
    """The running trunks of this process. A trunk whose settings have changed stays until its calls are over."""

    def __init__(
        self, pool: Pool, box: SecretBox, sip: SipEndpointSettings, *, ports: int, traces: TraceWriter | None = None
    ) -> None:
        self._traces = traces
        self._pool = pool
        self._box = box
        self._endpoint = SipEndpoint(sip)
        self._ports = ports
        self._running: dict[int, _Running] = {}
        self._replaced: list[Trunk] = []
        self._making = asyncio.Lock()

    async def find(self, trunk_id: int) -> Trunk:
        """The running trunk of that ID. Raises `TrunkUnavailable`."""
        running = self._running.get(trunk_id)
        if running is not None and time.monotonic() - running.checked_at < _FRESH:
            return running.trunk
        async with self._making:
            return await self._check(trunk_id)

    async def stop(self) -> None:
        """Stop every trunk, which hangs up what is left."""
        for trunk in [*(running.trunk for running in self._running.values()), *self._replaced]:
            await trunk.stop()
        self._running.clear()
        self._replaced.clear()

    async def _check(self, trunk_id: int) -> Trunk:
        await self._stop_replaced()
        running = self._running.get(trunk_id)
        now = time.monotonic()
        if running is not None and now - running.checked_at < _FRESH:
            return running.trunk
        try:
            record = await find_trunk(self._pool, trunk_id)
            if running is not None and record.settings == running.record.settings:
                running.checked_at = now
                return running.trunk
            trunk = self._make(open_settings(record.kind, record.settings, self._box))
            await trunk.start()
        except psycopg.OperationalError as error:
            raise TrunkUnavailable("The settings of the trunk cannot be read while the database is away.") from error
        except (NotConfigured, NotFound) as error:
            raise TrunkUnavailable(error.message) from error
        if running is not None:
            self._replaced.append(running.trunk)
        self._running[trunk_id] = _Running(record, trunk, now)
        _log.info("trunk %d (%s) is ready", trunk_id, record.kind)
        return trunk

    async def _stop_replaced(self) -> None:
        """Stop those that were replaced and carry no call any more."""
        over = [trunk for trunk in self._replaced if not trunk.legs]
        self._replaced = [trunk for trunk in self._replaced if trunk.legs]
        for trunk in over:
            await trunk.stop()

    def _make(self, settings: AnyTrunkSettings) -> Trunk:
        if isinstance(settings, SipTrunkSettings):
            return SipTrunk(settings, self._endpoint, self._keep_trace)
        return SimulatedTrunk(speed=settings.speed, ports=self._ports)

    def _keep_trace(self, permit: Permit, trace: Trace, statistics: Statistics | None) -> None:
        if self._traces is not None and permit.call_id:
            media = None if statistics is None else asdict(statistics)
            self._traces.put(permit.call_id, AttemptTrace(permit.attempt, trace.pack(), media))
