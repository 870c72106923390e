"""The process that dials: `calloff dialer`."""

import asyncio
import contextlib
import logging
import os
import socket

from calloff.accounts.secrets import SecretBox
from calloff.config import Settings
from calloff.dialer.loop import Dialer
from calloff.domain.errors import NotConfigured
from calloff.trunks.sip_settings import SipStackSettings
from calloff.wiring.database import conninfo_of, database
from calloff.wiring.signals import stop_on_signals
from calloff.wiring.trunks import Trunks
from calloff.wiring.voice import conversations

_MOST_SIP_CALLS = 255
_log = logging.getLogger(__name__)


async def run_dialer(settings: Settings) -> None:
    """Dial until a signal says stop, then drain. Raises `NotConfigured` when only a new process can go on dialing."""
    sip = SipStackSettings(
        local_address=settings.sip_address,
        rtp_ports=settings.rtp_port_range,
        ca_file=settings.sip_ca_file,
        max_calls=min(settings.ports, _MOST_SIP_CALLS),
    )
    box = SecretBox.open(settings.data_dir, settings.secret_key)
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with database(settings, min_size=2, max_size=10) as pool, conversations(settings, pool) as led:
        trunks = Trunks(pool, box, sip, ports=settings.ports)
        dialer = Dialer(
            pool,
            conninfo_of(settings),
            trunks.find,
            led,
            name=f"{socket.gethostname()}-{os.getpid()}",
            ports=settings.ports,
            drain_timeout=settings.drain_timeout,
            retention_days=settings.retention_days,
        )
        mourner = asyncio.create_task(_stop_when_dead(trunks, stop))
        try:
            await dialer.run(stop)
        finally:
            mourner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await mourner
            await trunks.stop()
        if trunks.dead.is_set():
            raise NotConfigured("The SIP stack of this dialer is dead. Start a new dialer.")


async def _stop_when_dead(trunks: Trunks, stop: asyncio.Event) -> None:
    await trunks.dead.wait()
    _log.error("the SIP stack is dead: this dialer drains and ends")
    stop.set()
