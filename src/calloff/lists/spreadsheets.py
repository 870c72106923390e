"""Reads the first sheet of an Excel workbook (XLSX) as the CSV that Excel would save of it, in a process that may die.

A workbook is a ZIP archive, which may hold far more than it seems to: the process has so much memory and time, and no
more. `python -m calloff.lists.spreadsheets FILE` is that process.
"""

import asyncio
import csv
import datetime
import os
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from calloff.domain.errors import InvalidInput

SIGNATURE = b"PK\x03\x04"
"""How a ZIP archive begins."""
MAX_WORKBOOK = 64 * 1024 * 1024
"""Bytes of a workbook that is read."""
_MEMORY = 1024**3
_SECONDS = 120
_PIECE = 64 * 1024
_TOO_MUCH = InvalidInput(
    "The workbook cannot be read, or holds more than is read here. Save its sheet as CSV in UTF-8, and send that."
)

Cell = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta


async def read_workbook(path: Path) -> AsyncIterator[bytes]:
    """The first sheet as CSV in UTF-8, piece by piece. Raises `InvalidInput` if it cannot be read within the limits."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_SECONDS):
            while piece := await process.stdout.read(_PIECE):
                yield piece
            if await process.wait() != 0:
                raise _TOO_MUCH
    except TimeoutError:
        raise _TOO_MUCH from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def write_csv(path: str, descriptor: int) -> None:
    """Write the first sheet of the workbook to an open file, as CSV."""
    from python_calamine import CalamineWorkbook

    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as output:
        writer = csv.writer(output)
        writer.writerows([_text(cell) for cell in row] for row in sheet.iter_rows())


def _text(cell: Cell) -> str:
    match cell:
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime.datetime() if cell.time() == datetime.time():
            return cell.date().isoformat()
        case _:
            return str(cell)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    write_csv(sys.argv[1], 1)
