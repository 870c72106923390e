"""Runs the statements of this package and reads their rows as the dataclasses that they are."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import class_row

from calloff.db.pool import Connection, Pool
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput

Row = TypeVar("Row")

Source: TypeAlias = Pool | Connection
"""Where a statement runs: on any connection, or on the one whose transaction it is a part of."""
_LONGEST_NAME = 200


async def fetch_all(source: Source, row: type[Row], statement: str, parameters: Mapping[str, object]) -> list[Row]:
    """Every row of `queries/<statement>.sql`, each as a `row`."""
    async with on_connection(source) as connection, connection.cursor(row_factory=class_row(row)) as cursor:
        await cursor.execute(load(__package__, statement), parameters)
        return await cursor.fetchall()


async def fetch_one(source: Source, row: type[Row], statement: str, parameters: Mapping[str, object]) -> Row | None:
    """The only row of `queries/<statement>.sql` as a `row`; None if there is none."""
    try:
        async with on_connection(source) as connection, connection.cursor(row_factory=class_row(row)) as cursor:
            await cursor.execute(load(__package__, statement), parameters)
            return await cursor.fetchone()
    except psycopg.errors.CheckViolation as error:
        column = (error.diag.constraint_name or "").removesuffix("_check").partition("_")[2] or "a value"
        words = column.replace("_", " ")
        raise InvalidInput(f"{words} is not within its limits. Choose another value.", field=column) from error


@asynccontextmanager
async def on_connection(source: Source) -> AsyncIterator[Connection]:
    """The caller's connection, in whatever transaction it is, or one of the pool."""
    if isinstance(source, AsyncConnection):
        yield source
        return
    async with source.connection() as connection:
        yield connection


@asynccontextmanager
async def transaction_on(source: Source) -> AsyncIterator[Connection]:
    """The same, in a transaction: a part of the caller's, if there is one."""
    async with on_connection(source) as connection, connection.transaction():
        yield connection


def check_name(name: str) -> str:
    """The name without blanks around it. Raises `InvalidInput` if nothing is left, or if it cannot be shown."""
    trimmed = name.strip()
    if not trimmed or len(trimmed) > _LONGEST_NAME or not trimmed.isprintable():
        raise InvalidInput(
            f"A name must be 1 to {_LONGEST_NAME} printable characters. Choose another name.", field="name"
        )
    return trimmed
