"""`calloff export`: writes calls out of the database."""

import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TextIO

import typer

from calloff.cli.admin.database import on_database
from calloff.cli.options import with_settings
from calloff.config import Settings
from calloff.db.pool import Pool
from calloff.domain.errors import InvalidInput
from calloff.reports.export import Selection, export_calls


@with_settings("admin")
def export(
    settings: Settings,
    deployment: Annotated[int | None, typer.Option(help="ID of one deployment.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(help="Only calls queued then or later, in UTC.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    ] = None,
    status: Annotated[
        Literal["queued", "dialing", "connected", "completed", "failed", "canceled"] | None,
        typer.Option(help="Only calls with this status."),
    ] = None,
    form: Annotated[Literal["csv", "jsonl"], typer.Option("--format", help="CSV, or one JSON object a line.")] = "csv",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else standard output.")] = None,
) -> None:
    """Write calls out as CSV or JSON lines, oldest first.

    A cell of the CSV that a spreadsheet would compute has an apostrophe before it.
    """
    selection = Selection(deployment, since.replace(tzinfo=UTC) if since else None, status)

    async def write(pool: Pool) -> None:
        with nullcontext(sys.stdout) if output is None else _open(output) as file:
            async for piece in export_calls(pool, selection, form):
                file.write(piece)

    on_database(settings, write)


def _open(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidInput(f"{path} cannot be written: {error.strerror}. Name another --output.") from error
