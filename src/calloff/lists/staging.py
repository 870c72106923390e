"""Stages a list as it streams in: CSV at once, a workbook when all of it has come."""

import asyncio
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from calloff.db.background import end_tasks
from calloff.domain.codes import Code
from calloff.domain.errors import InvalidInput
from calloff.domain.numbers import DEFAULT_COUNTRY
from calloff.lists.bulk import RejectedRow, StagedRow, Upload
from calloff.lists.csv_rows import CsvRows
from calloff.lists.spreadsheets import MAX_WORKBOOK, SIGNATURE, read_workbook

_BATCH_ROWS = 5000
_BATCH_BYTES = 1024 * 1024
# A small cell takes up many times what it took in the list.
_BATCH_CELLS = 50_000
# What is parsed in one go keeps every other request waiting.
_PIECE = 8 * 1024


class Staging:
    """Parses a list piece by piece, and stages its rows: `feed` it, then `finish`, within `async with`.

    The server takes one batch while the next one is read. `country` is where numbers without a country code are.
    """

    def __init__(self, upload: Upload, country: str = DEFAULT_COUNTRY) -> None:
        self._upload = upload
        self._country = country
        self._rows = CsvRows(country=country)
        self._began = False
        self._workbook: _Workbook | None = None
        self._batch: list[StagedRow | RejectedRow] = []
        self._batch_bytes = self._batch_cells = 0
        self._staging: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """Stop what is under way."""
        if self._workbook is not None:
            self._workbook.close()
        if self._staging is not None:
            await end_tasks(self._staging)

    def choose(self, destination_column: str) -> None:
        """Take the numbers from the column of that name. Raises `InvalidInput` if the list has begun."""
        if self._began:
            raise InvalidInput(
                "destination_column came after the list. Send it before the part csv.", field="destination_column"
            )
        self._rows = CsvRows(destination_column, self._country)

    async def feed(self, data: bytes) -> None:
        """The next bytes of the list. Raises `InvalidInput` for what is no list."""
        self._upload.digest.update(data)
        if not self._began and data:
            self._began = True
            if data.startswith(SIGNATURE):
                self._workbook = _Workbook()
        if self._workbook is not None:
            self._workbook.write(data)
        else:
            await self._feed_csv(data)

    async def _feed_csv(self, data: bytes) -> None:
        for start in range(0, len(data), _PIECE):
            rows = self._rows.feed(data[start : start + _PIECE])
            self._batch += rows
            self._batch_cells += sum(len(row.variables) for row in rows if isinstance(row, StagedRow))
            # A fast sender must not keep other requests from their turn.
            await asyncio.sleep(0)
        self._batch_bytes += len(data)
        if len(self._batch) >= _BATCH_ROWS or self._batch_bytes >= _BATCH_BYTES or self._batch_cells >= _BATCH_CELLS:
            await self._stage()

    async def finish(self) -> None:
        """The list is complete: afterwards every row of it is staged. Raises `InvalidInput` as `feed` does."""
        if self._workbook is not None:
            async for piece in read_workbook(self._workbook.path):
                await self._feed_csv(piece)
        self._batch += self._rows.finish()
        await self._stage()
        await self._staged()

    async def _stage(self) -> None:
        await self._staged()
        self._staging = asyncio.create_task(self._upload.stage(self._batch))
        self._batch, self._batch_bytes, self._batch_cells = [], 0, 0

    async def _staged(self) -> None:
        if self._staging is not None:
            await self._staging


class _Workbook:
    """A workbook on the disk, where its reader finds it."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="calloff-", suffix=".xlsx")  # noqa: SIM115 - closed by `close`
        self._size = 0

    @property
    def path(self) -> Path:
        self._file.flush()
        return Path(self._file.name)

    def write(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_WORKBOOK:
            raise InvalidInput(
                f"The workbook is larger than {MAX_WORKBOOK // 1024**2} MiB. Save its sheet as CSV.",
                code=Code.LIST_TOO_LONG,
            )
        self._file.write(data)

    def close(self) -> None:
        self._file.close()
