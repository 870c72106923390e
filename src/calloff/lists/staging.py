"""Stages a list as it streams in."""

import asyncio
from types import TracebackType
from typing import Self

from calloff.db.background import end_tasks
from calloff.lists.bulk import RejectedRow, StagedRow, Upload
from calloff.lists.csv_rows import CsvRows

_BATCH_ROWS = 5000
_BATCH_BYTES = 1024 * 1024
# A small cell takes up many times what it took in the list.
_BATCH_CELLS = 50_000
# What is parsed in one go keeps every other request waiting.
_PIECE = 8 * 1024


class Staging:
    """Parses a list piece by piece, and stages its rows: `feed` it, then `finish`, within `async with`.

    The server takes one batch while the next one is read.
    """

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._rows = CsvRows()
        self._batch: list[StagedRow | RejectedRow] = []
        self._batch_bytes = self._batch_cells = 0
        self._staging: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """Stop what is under way."""
        if self._staging is not None:
            await end_tasks(self._staging)

    async def feed(self, data: bytes) -> None:
        """The next bytes of the list. Raises `InvalidInput` for what is no list."""
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
