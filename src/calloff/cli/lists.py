"""`calloff list`: clients of the API that look at lists, hold one and let it go on. (`cancel --list` calls one off.)"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from calloff.cli.client import ask, fetch
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show_values
from calloff.config import Settings
from calloff.domain.errors import InvalidInput

lists = typer.Typer(name="list", help="What was uploaded: how far each list is, and its results.", no_args_is_help=True)

_ListId = Annotated[int, typer.Argument(metavar="LIST_ID")]


@lists.command("all")
@with_settings("client")
def all_lists(
    settings: Settings,
    limit: Annotated[int, typer.Option(help="How many, at most: 1 to 200.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the newest lists that you may view."""
    found = ask(settings, "GET", "/api/lists", params={"limit": limit})
    lines = [line(each) for each in found["lists"]]
    show_values(found, "\n".join(lines) or "There are no lists.", as_json=as_json)


@lists.command("show")
@with_settings("client")
def show_list(settings: Settings, list_id: _ListId, as_json: AsJson = False) -> None:
    """Show how far a list is."""
    found = ask(settings, "GET", f"/api/lists/{list_id}")["list"]
    show_values(found, line(found), as_json=as_json)


@lists.command("results")
@with_settings("client")
def results(
    settings: Settings,
    list_id: _ListId,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; else standard output.")] = None,
) -> None:
    """Write its calls as CSV, in the order of the list, with its own columns."""
    content = fetch(settings, f"/api/lists/{list_id}/results")
    if output is None:
        sys.stdout.buffer.write(content)
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}. Name another --output.") from error


@lists.command("pause")
@with_settings("client")
def pause_list(settings: Settings, list_id: _ListId, as_json: AsJson = False) -> None:
    """Start nothing more of a list until it is resumed."""
    ask(settings, "POST", f"/api/lists/{list_id}/pause")
    show_values({"list_id": str(list_id), "paused": True}, f"List {list_id} is paused.", as_json=as_json)


@lists.command("resume")
@with_settings("client")
def resume_list(settings: Settings, list_id: _ListId, as_json: AsJson = False) -> None:
    """Let a list go on."""
    ask(settings, "POST", f"/api/lists/{list_id}/resume")
    show_values({"list_id": str(list_id), "paused": False}, f"List {list_id} goes on.", as_json=as_json)


def line(found: dict[str, Any]) -> str:
    """A list in a line, as people read it."""
    at = datetime.fromtimestamp(found["queued_timestamp"], UTC)
    results = ", ".join(f"{count} {result}" for result, count in found["results"].items())
    return (
        f"{found['list_id']}  {found['name']}  {found['state']}  {at:%Y-%m-%d %H:%M} UTC: "
        f"{found['waiting']} of {found['accepted']} wait, {found['in_progress']} in progress, "
        f"{found['over']} over{f' ({results})' if results else ''}"
    )
