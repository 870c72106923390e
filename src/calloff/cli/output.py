"""What commands print: for people by default, and one JSON object with `--json`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

_WIDEST = 10_000


def show(record: "DataclassInstance", sentence: str, *, as_json: bool) -> None:
    """Print what was made or changed: as `sentence`, or whole."""
    show_values(asdict(record), sentence, as_json=as_json)


def show_values(values: Mapping[str, Any], sentence: str, *, as_json: bool) -> None:
    """The same of values that are no record."""
    typer.echo(json.dumps(values, default=_plain) if as_json else sentence)


def show_list(name: str, records: Sequence["DataclassInstance"], *, as_json: bool) -> None:
    """Print records of one kind: as a table, or as `{name: [...]}`."""
    rows = [asdict(record) for record in records]
    if as_json:
        typer.echo(json.dumps({name: rows}, default=_plain))
        return
    if not rows:
        typer.echo(f"There are no {name.replace('_', ' ')}.")
        return
    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column.replace("_", " "), no_wrap=True)
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    # As wide as its contents, also in a pipe: what is cut off can be neither read nor searched for.
    Console(width=_WIDEST, soft_wrap=True).print(table)


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return json.dumps(value) if isinstance(value, dict) else str(value)
