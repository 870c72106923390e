"""The results of a list as a file: the caller's own columns, and ours beside them."""

import csv
import io
from collections.abc import AsyncIterator, Sequence

from calloff.db.pool import Pool
from calloff.db.statements import load
from calloff.domain.call_lists import CallList
from calloff.domain.calls import CallStatus
from calloff.domain.csv_cells import escape_cell
from calloff.domain.phone import mask
from calloff.reports.read import call_from_row

_OURS = ("call_id", "status", "result", "callee_type", "sip_code", "attempts", "connected_at", "ended_at", "duration")
_DESTINATION = "destination"
_PAGE = 2000


async def calls_of_list(pool: Pool, of: CallList) -> AsyncIterator[Sequence[CallStatus]]:
    """Its calls in the order of its lines, a page at a time; what changes meanwhile may be read either way."""
    after = 0
    while True:
        async with pool.connection() as connection:
            cursor = await connection.execute(
                load(__package__, "list_results"),
                {"deployment_id": of.deployment_id, "list_id": of.list_id, "after": after, "limit": _PAGE},
            )
            rows = await cursor.fetchall()
        if not rows:
            return
        after = rows[-1]["id"]
        yield [call_from_row(row) for row in rows]


async def results_csv(columns: Sequence[str], pages: AsyncIterator[Sequence[CallStatus]]) -> AsyncIterator[str]:
    """A line for each call in the order in which they come, in pieces; it can be uploaded again as it is.

    `columns` are the list's own, beside `destination`; one of ours that has the name of such a column is left to it.
    Times are ISO 8601 in UTC, the duration is in seconds. Of a call with `is_pci`, the last four digits stay.
    """
    own = [name for name in columns if name != _DESTINATION]
    ours = [name for name in _OURS if name not in own]
    yield _lines([[_DESTINATION, *own, *ours]])
    async for page in pages:
        yield _lines([[_destination(call), *_given(call, own), *_reported(call, ours)] for call in page])


def _destination(call: CallStatus) -> str:
    if call.is_pci:
        return mask(call.phone_number)
    parts = [call.phone_number, f";ani={call.ani}" if call.ani else "", f";postd={call.postd}" if call.postd else ""]
    return "".join(parts)


def _given(call: CallStatus, names: Sequence[str]) -> list[str]:
    return ["" if call.is_pci else call.variables.get(name, "") for name in names]


def _reported(call: CallStatus, names: Sequence[str]) -> list[str]:
    values = {
        "call_id": call.call_id,
        "status": call.status,
        "result": call.result,
        "callee_type": call.callee_type,
        "sip_code": call.sip_code,
        "attempts": call.attempts,
        "connected_at": call.connected_at.isoformat() if call.connected_at else None,
        "ended_at": call.ended_at.isoformat() if call.ended_at else None,
        "duration": None if call.duration is None else round(call.duration, 1),
    }
    return ["" if values[name] is None else str(values[name]) for name in names]


def _lines(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([escape_cell(cell) for cell in row] for row in rows)
    return text.getvalue()
