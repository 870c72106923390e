"""`calloff config`: what is in force, and why."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from calloff.cli.options import with_settings
from calloff.config import Settings, envvar, option, settings_of, shown
from calloff.wiring.credentials import read_credentials

_SOURCES = {"COMMANDLINE": "option", "ENVIRONMENT": "environment"}


@with_settings()
def config(
    settings: Settings,
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the settings that are in force and where each came from, without their secrets."""
    # What the commands of `client` take if nothing was given at all: the three belong together.
    kept = read_credentials(settings.data_dir) if settings.url is settings.email is settings.key is None else None
    rows = []
    for setting in settings_of():
        source = context.get_parameter_source(setting.name)
        value = getattr(settings, setting.name)
        place = _SOURCES.get(source.name if source else "", "default")
        if kept is not None and setting.name in ("url", "email", "key"):
            value, place = getattr(kept, setting.name), "credentials.env"
        rows.append((option(setting), envvar(setting), shown(setting, value), place))
    if as_json:
        typer.echo(json.dumps({name: {"value": value, "source": source} for _, name, value, source in rows}, indent=2))
        return
    table = Table("option", "environment", "value", "from", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(soft_wrap=True).print(table)
