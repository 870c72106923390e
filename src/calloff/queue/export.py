"""Writes calls out, as CSV or as JSON lines, however many there are."""

import csv
import io
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from calloff.db.pool import Pool
from calloff.db.statements import load
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
    if form == "csv":
        yield _csv_line(_COLUMNS)
    write = _csv_line_of if form == "csv" else _json_line_of
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
        after = rows[-1]["id"]
        yield "".join(write(_values(row)) for row in rows)


def _values(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: row[name] for name in _COLUMNS if name != "call_id"}
    if row["is_pci"]:
        values |= {"phone_number": mask(row["phone_number"]), "variables": None, "collected": None}
    for name, value in values.items():
        if isinstance(value, datetime):
            values[name] = value.isoformat(timespec="milliseconds")
    return {"call_id": row["id"], **values}


def _json_line_of(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False) + "\n"


def _csv_line_of(values: Mapping[str, Any]) -> str:
    return _csv_line([_cell(value) for value in values.values()])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return escape_cell(json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value))


def _csv_line(cells: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
