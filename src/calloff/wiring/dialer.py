"""The process that dials: `calloff dialer`."""

import asyncio
import os
import socket

from calloff.accounts.secrets import SecretBox
from calloff.config import Settings
from calloff.db.background import end_tasks
from calloff.dialer.loop import Dialer
from calloff.reports.traces import TraceWriter
from calloff.trunks.sip_settings import SipEndpointSettings
from calloff.wiring.database import conninfo_of, database
from calloff.wiring.garbage import collect_when_idle
from calloff.wiring.signals import stop_on_signals
from calloff.wiring.trunks import Trunks
from calloff.wiring.voice import conversations


async def run_dialer(settings: Settings) -> None:
    """Dial until a signal says stop, then drain."""
    sip = SipEndpointSettings(
        local_address=settings.sip_address,
        sip_port=settings.sip_port,
        rtp_ports=settings.rtp_port_range,
        ca_file=settings.sip_ca_file,
        max_calls=settings.ports,
    )
    box = SecretBox.open(settings.data_dir, settings.secret_key)
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with database(settings, min_size=2, max_size=10) as pool, conversations(settings, pool) as led:
        traces = TraceWriter(pool)
        writing = asyncio.create_task(traces.run())
        trunks = Trunks(pool, box, sip, ports=settings.ports, traces=traces)
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
        collecting = asyncio.create_task(collect_when_idle(lambda: dialer.calls))
        try:
            await dialer.run(stop)
        finally:
            await trunks.stop()
            await end_tasks(writing, collecting)
            await traces.flush()
