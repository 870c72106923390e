"""`calloff bulk`: a client of the API that uploads a list."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from calloff.cli.client import (
    AppId,
    DeploymentId,
    EndTimestamp,
    MaxAttempts,
    ReattemptWait,
    StartTimestamp,
    ask,
    call_fields,
)
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show_values
from calloff.config import Settings
from calloff.domain.errors import OutcomeUnknown

_PIECE = 256 * 1024
_SHOWN_ERRORS = 20
_ANSWER_SECONDS = 1800
"""Queueing a list of millions takes minutes after its last byte has arrived."""


@with_settings("client")
def bulk(
    settings: Settings,
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV or XLSX with a destination.")
    ],
    app: AppId = 1,
    deployment: DeploymentId = 1,
    start_timestamp: StartTimestamp = None,
    end_timestamp: EndTimestamp = None,
    max_attempts: MaxAttempts = None,
    reattempt_wait: ReattemptWait = None,
    result_url: Annotated[str | None, typer.Option(help="Where to send the results.")] = None,
    pci: Annotated[bool, typer.Option("--pci", help="Keep the numbers out of logs.")] = False,
    variable: Annotated[
        list[str] | None,
        typer.Option("--variable", metavar="NAME=VALUE", help="For the application, in every call. Repeatable."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the list; else as the file.")] = None,
    destination_column: Annotated[str | None, typer.Option(help="The column of the numbers.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Repeat an upload with its key: it queues once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Queue every call of a list, all of them or none."""
    given = call_fields(
        start_timestamp=start_timestamp,
        end_timestamp=end_timestamp,
        max_attempts=max_attempts,
        reattempt_wait=reattempt_wait,
        result_url=result_url,
        pci=pci,
        variable=variable,
    )
    given["list_name"] = name or file.name
    if destination_column is not None:
        given["destination_column"] = destination_column
    boundary = uuid4().hex
    head, tail = _frame(boundary, given)
    key = idempotency_key or uuid4().hex
    size = file.stat().st_size
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + size + len(tail)),
        "Idempotency-Key": key,
    }
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), disable=as_json) as progress:
        task = progress.add_task("Uploading", total=size)

        def body() -> Iterator[bytes]:
            yield head
            with file.open("rb") as opened:
                while piece := opened.read(_PIECE):
                    yield piece
                    progress.advance(task, len(piece))
            progress.update(task, description="Queueing")
            yield tail

        timeout = httpx.Timeout(60, read=_ANSWER_SECONDS)
        path = f"/api/apps/{app}/{deployment}/bulk_queue"
        try:
            answer = ask(settings, "POST", path, content=body(), headers=headers, timeout=timeout)
        except OutcomeUnknown as error:
            advice = f"To send the list again and queue it once, add --idempotency-key {key}"
            raise OutcomeUnknown(f"{error.message} {advice}") from error
    show_values(answer, _summary(answer), as_json=as_json)


def _frame(boundary: str, fields: dict[str, str]) -> tuple[bytes, bytes]:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="csv"; filename="list.csv"\r\n\r\n'
    return "".join([*parts, file]).encode(), f"\r\n--{boundary}--\r\n".encode()


def _summary(answer: dict[str, Any]) -> str:
    lines = [
        f"{answer['queued']} calls are queued as list {answer['list_id']}, {answer['rejected']} rows were rejected."
    ]
    lines += [f"  line {error['line']}: {error['error']}" for error in answer["errors"][:_SHOWN_ERRORS]]
    if answer["rejected"] > _SHOWN_ERRORS:
        lines.append("  … --json prints all of them.")
    return "\n".join(lines)
