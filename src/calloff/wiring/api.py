"""The process that answers over HTTP: `calloff api`."""

import asyncio
import logging
import socket

import uvicorn

from calloff.accounts.secrets import SecretBox
from calloff.accounts.throttle import Throttle
from calloff.api.app import create_app
from calloff.api.connections import Connections, most_connections
from calloff.api.http_protocol import HttpProtocol
from calloff.api.server import Server
from calloff.config import Settings
from calloff.console.app import mount_console
from calloff.lists.upload_slots import UploadSlots
from calloff.wiring.database import conninfo_of, database
from calloff.wiring.descriptors import raise_descriptor_limit
from calloff.wiring.listening import BACKLOG, listen, url_of
from calloff.wiring.signals import stop_on_signals
from calloff.wiring.trunk_settings import trunk_kinds

_GRACE = 10
"""Seconds for the answers that are under way when the process is told to stop."""
_log = logging.getLogger(__name__)


async def run_api(settings: Settings, listen_fd: int | None = None) -> None:
    """Answer until a signal says stop, on the inherited socket `listen_fd` or on one of our own."""
    listener = listen(settings.host, settings.port) if listen_fd is None else socket.socket(fileno=listen_fd)
    async with database(settings, min_size=2, max_size=20) as pool:
        throttle, uploads = Throttle(), UploadSlots()
        app = create_app(pool, conninfo_of(settings), throttle, uploads, settings.metrics_token, settings.origins)
        # Opened when a trunk is set: only then has there to be a key.
        mount_console(
            app,
            pool,
            conninfo_of(settings),
            throttle,
            uploads,
            trunk_kinds=trunk_kinds(lambda: SecretBox.open(settings.data_dir, settings.secret_key)),
        )
        house = Connections(most_connections(raise_descriptor_limit()), settings.proxy_networks)
        server = Server(
            uvicorn.Config(
                app,
                http=HttpProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                proxy_headers=bool(settings.proxy_networks),
                forwarded_allow_ips=[str(network) for network in settings.proxy_networks],
                server_header=False,
                backlog=BACKLOG,
                # Python's default context speaks TLS 1.2 and later.
                ssl_certfile=settings.tls_certificate,
                ssl_keyfile=settings.tls_key,
                timeout_graceful_shutdown=_GRACE,
            ),
            house,
        )
        stop = asyncio.Event()
        stop_on_signals(stop)
        stopping = asyncio.create_task(_stop(server, stop))
        _log.info("answering on %s", url_of(listener, tls=settings.tls_certificate is not None))
        await server.serve(sockets=[listener])
        stopping.cancel()


async def _stop(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
