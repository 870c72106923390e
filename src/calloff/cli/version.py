"""`calloff --version`."""

from importlib.metadata import version
from typing import Annotated

import typer


def _print(wanted: bool) -> None:
    if wanted:
        typer.echo(f"calloff {version('calloff')}")
        raise typer.Exit


def print_version(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print, is_eager=True)
    ] = False,
) -> None:
    """Queue phone calls, dial them, and call them all off."""
