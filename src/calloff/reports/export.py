"""Writes calls out, as CSV or as JSON lines, however many there are."""

import csv
import io
import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.calls import CallStatus
from calloff.domain.csv_cells import escape_cell
from calloff.domain.phone import mask

_PAGE = 5000
_COLUMNS = (
    "call_id",
    "deployment_id",
    "phone_number",
    "status",
    "result",
    "sip_code",
    "callee_type",
    "attempts",
    "max_attempts",
    "queued_at",
    "start_at",
    "end_at",
    "connected_at",
    "ended_at",
    "variables",
    "collected",
)

Format = Literal["csv", "jsonl"]
_Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which calls to export; None is no restriction."""

    deployment_id: int | None = None
    since: datetime | None = None
    """Queued then or later."""
    status: str | None = None
    """As the API names it."""


async def export_calls(pool: Pool, selection: Selection, form: Format) -> AsyncIterator[str]:
    """The selected calls in the order of their IDs, in pieces of text; times are ISO 8601 in UTC.

    The number, the variables and what was collected of a call with `is_pci` stay out of it. It reads a page at a time,
    so that an export of hours keeps nobody from cleaning up; what changes meanwhile may be exported either way.
    """
    async for piece in _write(_select(pool, selection), form):
        yield piece


async def export_pages(pages: AsyncIterable[Sequence[CallStatus]], form: Format) -> AsyncIterator[str]:
    """The calls of `pages` in the same way, in the order in which they come."""
    rows = ([{name: getattr(call, name) for name in (*_COLUMNS, "is_pci")} for call in page] async for page in pages)
    async for piece in _write(rows, form):
        yield piece


async def _select(pool: Pool, selection: Selection) -> AsyncIterator[Sequence[_Row]]:
    after = 0
    while True:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                load(__package__, "export"),
                {
                    "after": after,
                    "limit": _PAGE,
                    "deployment_id": selection.deployment_id,
                    "since": selection.since,
                    "status": selection.status,
                },
            )
            rows = await cursor.fetchall()
        if not rows:
            return
        after = rows[-1]["call_id"]
        yield rows


async def _write(pages: AsyncIterable[Sequence[_Row]], form: Format) -> AsyncIterator[str]:
    if form == "csv":
        yield _csv_lines([_COLUMNS])
    async for rows in pages:
        values = map(_values, rows)
        if form == "csv":
            yield _csv_lines([_cell(value) for value in each.values()] for each in values)
        else:
            yield "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in values)


def _values(row: _Row) -> dict[str, Any]:
    values = {name: row[name] for name in _COLUMNS}
    if row["is_pci"]:
        values |= {"phone_number": mask(row["phone_number"]), "variables": None, "collected": None}
    for name, value in values.items():
        if isinstance(value, datetime):
            values[name] = value.isoformat(timespec="milliseconds")
    return {**values, "variables": values["variables"] or None, "collected": values["collected"] or None}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return escape_cell(json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value))


def _csv_lines(rows: Iterable[Sequence[str]]) -> str:
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue()
