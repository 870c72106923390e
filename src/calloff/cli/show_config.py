"""`calloff config`: what is in force, and why."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from calloff.cli.options import with_settings
from calloff.config import Settings, envvar, option, settings_of, shown

_SOURCES = {"COMMANDLINE": "option", "ENVIRONMENT": "environment"}


@with_settings()
def config(
    settings: Settings,
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the settings that are in force and where each came from, without their secrets."""
    rows = []
    for setting in settings_of():
        source = context.get_parameter_source(setting.name)
        value = shown(setting, getattr(settings, setting.name))
        rows.append((option(setting), envvar(setting), value, _SOURCES.get(source.name if source else "", "default")))
    if as_json:
        typer.echo(json.dumps({name: {"value": value, "source": source} for _, name, value, source in rows}, indent=2))
        return
    table = Table("option", "environment", "value", "from", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(soft_wrap=True).print(table)
