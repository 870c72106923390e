"""All of Calloff on one machine: `calloff serve`."""

import asyncio
import contextlib
import dataclasses
import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from calloff.accounts.bootstrap import Bootstrapped, bootstrap, is_empty
from calloff.accounts.keys import make_key
from calloff.accounts.passwords import make_password, set_password
from calloff.config import Settings
from calloff.db.embedded import EmbeddedServer
from calloff.domain.errors import CalloffError
from calloff.wiring.credentials import Credentials, path_of, read_credentials, write_credentials
from calloff.wiring.database import database
from calloff.wiring.listening import listen, url_of
from calloff.wiring.signals import stop_on_signals
from calloff.wiring.supervisor import Child, Supervisor

FIRST_EMAIL = "admin@calloff.local"
"""Of the user that an empty database gets."""

_API_GRACE = 15.0
_WEBHOOKS_GRACE = 20.0
_DIALER_GRACE = 20.0
"""Seconds beyond its drain time-out that a dialer has to write down what it hung up."""
_POLL = 0.05
_RESTART_PAUSE = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """What there is to tell once everything runs."""

    url: str
    credentials: Credentials | None
    """None if the data directory has none, because somebody else filled the database."""
    made: Bootstrapped | None
    """What was made because the database was empty; None if it was not."""
    credentials_path: Path


async def serve(settings: Settings, announce: Callable[[Ready], None]) -> None:
    """Run everything until a signal says stop; `announce` is called once, when the API answers.

    Raises `NotConfigured` if the data directory, the address to listen on or the database cannot be had.
    """
    stop = asyncio.Event()
    hurry = asyncio.Event()
    stop_on_signals(stop, again=hurry.set)
    with contextlib.closing(listen(settings.host, settings.port)) as listener, contextlib.suppress(_Stopped):
        async with _database_server(settings, stop):
            url = url_of(listener, tls=settings.tls_certificate is not None)
            made, credentials = await _unless(stop, _prepare(settings, url))
            supervisor = Supervisor(_children(settings, listener), settings.environment())
            async with asyncio.TaskGroup() as tasks:
                announcing = tasks.create_task(
                    _announce(url, lambda: announce(Ready(url, credentials, made, path_of(settings.data_dir))))
                )
                await supervisor.run(stop, hurry)
                announcing.cancel()
    _log.info("stopped")


class _Stopped(Exception):
    """A signal came before everything was started."""


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Any]) -> Any:
    """The result of `work`, which is canceled if `stop` is set first: then this raises `_Stopped`."""
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        raise _Stopped
    return await working


@contextlib.asynccontextmanager
async def _database_server(settings: Settings, stop: asyncio.Event) -> AsyncIterator[None]:
    """Runs the embedded server, if that is the one to use, and starts it anew should it die."""
    if settings.database_url is not None:
        yield
        return
    server = EmbeddedServer(settings.data_dir)
    await _unless(stop, server.start())
    keeping = asyncio.create_task(_keep(server))
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await server.stop()


async def _keep(server: EmbeddedServer) -> None:
    while True:
        await server.wait()
        _log.error("the embedded PostgreSQL ended; starting it anew")
        try:
            await server.start()
        except CalloffError as error:
            _log.error("the embedded PostgreSQL does not start: %s", error.message)
            await asyncio.sleep(_RESTART_PAUSE)


async def _prepare(settings: Settings, url: str) -> tuple[Bootstrapped | None, Credentials | None]:
    """Bring the schema up to date, fill an empty database, and keep in the data directory how to reach the API."""
    async with database(settings) as pool:
        if await is_empty(pool):
            # Written first: a key that was never written down could not be read a second time.
            first = Credentials(url, FIRST_EMAIL, make_key(), make_password())
            write_credentials(settings.data_dir, first)
            made = await bootstrap(pool, first.email, first.key)
            if made is not None:
                await set_password(pool, made.user_id, str(first.password), must_change=True)
                return made, first
    kept = read_credentials(settings.data_dir)
    if kept is not None and kept.url != url:
        kept = dataclasses.replace(kept, url=url)
        write_credentials(settings.data_dir, kept)
    return None, kept


def _children(settings: Settings, listener: socket.socket) -> list[Child]:
    listen_fd = listener.fileno()
    api = Child("api", ["api", f"--listen-fd={listen_fd}"], _API_GRACE, inherits=[listen_fd])
    grace = settings.drain_timeout + _DIALER_GRACE
    webhooks = Child("webhooks", ["webhooks"], _WEBHOOKS_GRACE)
    return [api, webhooks, *(Child(f"dialer {n}", ["dialer"], grace) for n in range(1, settings.dialers + 1))]


async def _announce(url: str, announce: Callable[[], None]) -> None:
    # It is our own child that is asked, by an address that its certificate need not name.
    async with httpx.AsyncClient(trust_env=False, timeout=5, verify=False) as client:  # noqa: S501
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if (await client.get(f"{url}/readyz")).is_success:
                    break
            await asyncio.sleep(_POLL)
    announce()
