"""The process that delivers results: `calloff webhooks`."""

import asyncio

from calloff.accounts.secrets import SecretBox
from calloff.config import Settings
from calloff.outbound.client import Client
from calloff.outbound.guard import Guard
from calloff.webhooks.deliver import Sender
from calloff.webhooks.worker import Worker
from calloff.wiring.database import database
from calloff.wiring.signals import stop_on_signals


async def run_webhooks(settings: Settings) -> None:
    """Deliver until a signal says stop, then finish what is on its way."""
    box = SecretBox.open(settings.data_dir, settings.secret_key)
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with database(settings, min_size=1, max_size=10) as pool:
        client = Client(Guard(settings.allowed_networks))
        try:
            await Worker(pool, Sender(pool, box, client)).run(stop)
        finally:
            await client.close()
