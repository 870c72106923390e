"""Queues a list of calls: rows are staged as they come, then all of them are queued in one transaction.

The stage is a temporary table of a connection of its own. So no transaction is open while a slow upload streams in,
nothing has to be undone when the client goes away, and fields that follow the list still apply to every row of it.
"""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Self

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from calloff.calls.hearing import check_hearing
from calloff.calls.idempotency import IdempotencyKey, earlier_call, in_progress
from calloff.calls.submit import DELETED, schedule_parameters, window_still_open
from calloff.db.certain import confirmed
from calloff.db.pool import Connection, open_connection
from calloff.db.statements import load
from calloff.domain.codes import Code
from calloff.domain.errors import NO_DEPLOYMENT, Deleted, InvalidInput, NotFound
from calloff.domain.phone import Destination
from calloff.domain.schedule import Schedule

_PAGE = 5000
"""Rows that are fetched at a time when an answer is read."""


@dataclass(frozen=True, slots=True)
class StagedRow:
    """A valid row of the list."""

    line: int
    """The line in which it begins, from 1."""
    destination: Destination
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be called."""

    line: int
    value: str
    """What stood there, shortened."""
    error: str


@dataclass(frozen=True, slots=True)
class SharedFields:
    """What the request says about every call of the list."""

    schedule: Schedule
    result_url: str | None
    is_pci: bool
    variables: dict[str, str]
    name: str | None = None
    """Of the list; None for one of its own making."""


@dataclass(frozen=True, slots=True)
class Totals:
    """How many rows were queued and rejected."""

    queued: int
    rejected: int
    is_repeat: bool = False
    """Whether an earlier request with the same key has queued them."""
    list_id: int | None = None
    """Of the list that they are; None before it is queued."""


class Upload:
    """One list on its way into the queue: `stage` its rows, then `queue` them, then read the answer.

    Open it with `Upload.open`, which reads the queue's epoch before anything else: a cancel that comes while the list
    streams in calls it off.
    """

    def __init__(self, connection: Connection, deployment_id: int, epoch: int, key: IdempotencyKey | None) -> None:
        self._connection = connection
        self._deployment_id = deployment_id
        self._epoch = epoch
        self.digest = hashlib.sha256()
        """Of the file, as it comes."""
        self._names: dict[str, None] = {}
        """Of the list's columns that are variables, in their order."""
        self._key = key

    @classmethod
    @asynccontextmanager
    async def open(cls, conninfo: str, deployment_id: int, key: IdempotencyKey | None) -> AsyncIterator[Self]:
        """An upload to the deployment on a connection of its own. Raises `NotFound`, or `Conflict` for a busy key."""
        async with await open_connection(conninfo) as connection:
            cursor = await connection.execute(load(__package__, "queue_epoch"), {"deployment_id": deployment_id})
            row = await cursor.fetchone()
            if row is None:
                raise NotFound(NO_DEPLOYMENT)
            await connection.execute(load(__package__, "create_upload"))
            upload = cls(connection, deployment_id, row["value"], key)
            if key is None:
                yield upload
            else:
                async with in_progress(connection, key):
                    yield upload

    async def stage(self, rows: Sequence[StagedRow | RejectedRow]) -> None:
        """Keep the next rows of the list."""
        if not rows:
            return
        async with self._connection.cursor() as cursor, cursor.copy(load(__package__, "copy_upload")) as copy:
            for row in rows:
                if isinstance(row, StagedRow):
                    self._names.update(dict.fromkeys(row.variables))
                await copy.write_row(_staged(row))

    async def queue(
        self,
        shared: SharedFields,
        fingerprint: bytes,
        *,
        user_id: int | None = None,
        origin: str = "",
        before_commit: Callable[[Connection, Totals], Awaitable[None]] | None = None,
    ) -> Totals:
        """Queue every valid row, or what a request with the same key has queued before, as a list.

        `user_id` is who asks for it, None for the operator's command line, and `origin` from where.
        `before_commit` is a part of the transaction that queues them; it is not called for a repeated request.

        Raises `InvalidInput` if there is no valid row, the window has closed or the message reads what the list has no
        column for, `NoMessage`, `Deleted`, or `KeyReused`; then nothing is queued. Raises `OutcomeUnknown` if the
        server did not confirm: then all of it is queued, or nothing.
        """
        if self._key is not None and await self._was_queued(self._key, fingerprint):
            await self._connection.execute(load(__package__, "clear_upload"))
            await self._connection.execute(load(__package__, "restore_upload"), self._key.parameters())
            totals = await self._totals()
            row = await self._row("list_of_upload", deployment_id=self._deployment_id)
            return replace(totals, is_repeat=True, list_id=row["value"] if row else None)
        shared.schedule.check(time.time())
        totals = await self._totals()
        names = self._names.keys() | shared.variables.keys()
        await check_hearing(self._connection, self._deployment_id, names, of_a_list=True)
        parameters = {
            "deployment_id": self._deployment_id,
            "epoch": self._epoch,
            "name": shared.name or f"List of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "sha256": self.digest.digest(),
            "columns": list(self._names),
            "user_id": user_id,
            "origin": origin,
            "result_url": shared.result_url,
            "is_pci": shared.is_pci,
            "variables": Jsonb(shared.variables) if shared.variables else None,
            **schedule_parameters(shared.schedule),
        }
        async with confirmed(self._connection), self._connection.transaction():
            queued = await self._row("create_list", **parameters)
            assert queued is not None
            totals, parameters = replace(totals, list_id=queued["id"]), {**parameters, "list_epoch": queued["epoch"]}
            with window_still_open():
                row = await (await self._connection.execute(load(__package__, "queue_upload"), parameters)).fetchone()
            if row is None or row["value"] != totals.queued:
                raise Deleted(DELETED)
            if self._key is not None:
                await self._connection.execute(
                    load(__package__, "keep_upload_key"), self._key.parameters(fingerprint=fingerprint)
                )
            if before_commit is not None:
                await before_commit(self._connection, totals)
        return totals

    async def _was_queued(self, key: IdempotencyKey, fingerprint: bytes) -> bool:
        async with confirmed(self._connection):
            return await earlier_call(self._connection, key, fingerprint) is not None

    async def call_ids(self) -> AsyncIterator[int]:
        """The queued calls, in the order of the list."""
        async for row in self._pages("uploaded_calls"):
            yield row["id"]

    async def rejected_rows(self, limit: int | None = None) -> AsyncIterator[RejectedRow]:
        """The rejected rows, in the order of the list: all of them, or the first `limit`."""
        async for row in self._pages("rejected_rows", limit=limit):
            yield RejectedRow(row["line"], row["value"], row["error"])

    async def _pages(self, statement: str, **parameters: object) -> AsyncIterator[DictRow]:
        # Held outside of a transaction: a client that reads slowly must not keep the database from cleaning up.
        async with self._connection.cursor(name="answer", withhold=True) as cursor:
            cursor.itersize = _PAGE
            await cursor.execute(load(__package__, statement), parameters)
            async for row in cursor:
                yield row

    async def _row(self, statement: str, **parameters: object) -> DictRow | None:
        return await (await self._connection.execute(load(__package__, statement), parameters)).fetchone()

    async def _totals(self) -> Totals:
        row = await self._row("upload_totals")
        assert row is not None
        if row["queued"] == 0:
            raise InvalidInput(
                f"The list has no row that can be called. {row['first_error'] or 'Add some.'}", code=Code.LIST_EMPTY
            )
        return Totals(row["queued"], row["rejected"])


def _staged(row: StagedRow | RejectedRow) -> tuple[object, ...]:
    if isinstance(row, RejectedRow):
        return (row.line, None, None, None, None, None, None, None, None, row.value, row.error)
    destination, number = row.destination, row.destination.understood()
    variables = json.dumps(row.variables) if row.variables else None
    return (
        row.line,
        destination.phone_number,
        destination.ani,
        destination.postd,
        number.digits,
        number.country,
        number.kind,
        list(number.zones),
        variables,
        None,
        None,
    )
