"""The commands that run until they are stopped: `serve`, `api`, `dialer` and `webhooks`."""

import asyncio
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from calloff.cli.options import with_settings
from calloff.config import Settings
from calloff.domain.errors import CalloffError
from calloff.wiring.descriptors import raise_descriptor_limit
from calloff.wiring.lifeline import hold
from calloff.wiring.logs import configure_logging

# The parts of the service are imported by the command that runs them, so that every other command starts at once.
if TYPE_CHECKING:
    from calloff.wiring.service import Ready

_log = logging.getLogger(__name__)
_Descriptor = Annotated[int | None, typer.Option(hidden=True)]


def add_process_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    for command in (serve, api, dialer, webhooks):
        app.command()(command)


@with_settings("serve")
def serve(settings: Settings) -> None:
    """Run everything on this machine: the database, the API, the dialers and the callbacks."""
    from calloff.wiring.service import serve

    configure_logging(settings.log_level, "serve")
    raise_descriptor_limit()
    asyncio.run(serve(settings, _announce))


@with_settings("api")
def api(settings: Settings, listen_fd: _Descriptor = None, lifeline_fd: _Descriptor = None) -> None:
    """Run a process that answers over HTTP."""
    import uvloop

    from calloff.wiring.api import run_api

    with _process(settings, "api", lifeline_fd):
        uvloop.run(run_api(settings, listen_fd))


@with_settings("dialer")
def dialer(settings: Settings, lifeline_fd: _Descriptor = None) -> None:
    """Run a process that dials."""
    from calloff.wiring.dialer import run_dialer

    with _process(settings, "dialer", lifeline_fd):
        asyncio.run(run_dialer(settings))


@with_settings("webhooks")
def webhooks(settings: Settings, lifeline_fd: _Descriptor = None) -> None:
    """Run a process that delivers results."""
    import uvloop

    from calloff.wiring.webhooks import run_webhooks

    with _process(settings, "webhooks", lifeline_fd):
        uvloop.run(run_webhooks(settings))


@contextmanager
def _process(settings: Settings, name: str, lifeline_fd: int | None) -> Iterator[None]:
    """Whoever runs a process reads its log: what ends it is a line of that, too."""
    configure_logging(settings.log_level, name)
    raise_descriptor_limit()
    if lifeline_fd is not None:
        hold(lifeline_fd)
    try:
        yield
    except CalloffError as error:
        _log.critical("%s", error.message)
        sys.exit(1)


def _announce(ready: "Ready") -> None:
    if ready.made is not None and ready.credentials is not None:
        typer.echo(_first_words(ready))
    typer.echo(f"Calloff is ready at {ready.url}")


def _first_words(ready: "Ready") -> str:
    assert ready.made is not None
    assert ready.credentials is not None
    made, user = ready.made, f"{ready.credentials.email}:{ready.credentials.key}"
    queue = f"{ready.url}/api/apps/{made.application_id}/{made.deployment_id}"
    return f"""
This database was empty, so Calloff made account {made.account_id}, and in it

  user           {ready.credentials.email}
  developer key  {ready.credentials.key}
  password       {ready.credentials.password} (for {ready.url}/console; you choose another one there)
  application    {made.application_id}
  deployment     {made.deployment_id}, on the simulated trunk, which dials nobody

Both are shown this once. The key is kept in {ready.credentials_path}, which a shell can source.

A first call, its status, and the end of everything that waits:

  curl -u '{user}' -d phone_number=6175551234 {queue}/queue
  curl -u '{user}' {ready.url}/api/outbound/1
  curl -u '{user}' -X DELETE {queue}/cancel
"""
