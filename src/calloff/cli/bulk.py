"""`calloff bulk`: a client of the API that uploads a list."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import httpx
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from calloff.cli.client import AppId, DeploymentId, ask
from calloff.cli.options import with_settings
from calloff.cli.output import AsJson, show_values
from calloff.config import Settings

_PIECE = 256 * 1024
_SHOWN_ERRORS = 20
_ANSWER_SECONDS = 1800
"""Queueing a list of millions takes minutes after its last byte has arrived."""


@with_settings("client")
def bulk(
    settings: Settings,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="CSV with a destination.")],
    app: AppId = 1,
    deployment: DeploymentId = 1,
    start_timestamp: Annotated[int | None, typer.Option(help="When to begin dialing, in Unix seconds.")] = None,
    end_timestamp: Annotated[int | None, typer.Option(help="When to stop, in Unix seconds.")] = None,
    max_attempts: Annotated[int | None, typer.Option(help="How often to try: 1 to 10.")] = None,
    reattempt_wait: Annotated[int | None, typer.Option(help="Seconds between two attempts: 60 to 86400.")] = None,
    result_url: Annotated[str | None, typer.Option(help="Where to send the results.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Repeat an upload with its key: it queues once.")] = None,
    as_json: AsJson = False,
) -> None:
    """Queue every call of a CSV file, all of them or none."""
    fields = {
        "start_timestamp": start_timestamp,
        "end_timestamp": end_timestamp,
        "max_attempts": max_attempts,
        "reattempt_wait": reattempt_wait,
        "result_url": result_url,
    }
    given = {name: str(value) for name, value in fields.items() if value is not None}
    boundary = uuid4().hex
    head, tail = _frame(boundary, given)
    size = file.stat().st_size
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + size + len(tail)),
        "Idempotency-Key": idempotency_key or uuid4().hex,
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
        answer = ask(settings, "POST", path, content=body(), headers=headers, timeout=timeout)
    show_values(answer, _summary(answer), as_json=as_json)


def _frame(boundary: str, fields: dict[str, str]) -> tuple[bytes, bytes]:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="csv"; filename="list.csv"\r\n\r\n'
    return "".join([*parts, file]).encode(), f"\r\n--{boundary}--\r\n".encode()


def _summary(answer: dict[str, Any]) -> str:
    lines = [f"{answer['queued']} calls are queued, {answer['rejected']} rows were rejected."]
    lines += [f"  line {error['line']}: {error['error']}" for error in answer["errors"][:_SHOWN_ERRORS]]
    if answer["rejected"] > _SHOWN_ERRORS:
        lines.append("  … --json prints all of them.")
    return "\n".join(lines)
