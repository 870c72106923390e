"""Runs the statements of this package and reads their rows as the dataclasses that they are."""

from collections.abc import Mapping
from typing import TypeVar

import psycopg
from psycopg.rows import class_row

from calloff.db.source import Source, on_connection
from calloff.db.statements import load
from calloff.domain.errors import InvalidInput

Row = TypeVar("Row")

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


def check_name(name: str) -> str:
    """The name without blanks around it. Raises `InvalidInput` if nothing is left, or if it cannot be shown."""
    trimmed = name.strip()
    if not trimmed or len(trimmed) > _LONGEST_NAME or not trimmed.isprintable():
        raise InvalidInput(
            f"A name must be 1 to {_LONGEST_NAME} printable characters. Choose another name.", field="name"
        )
    return trimmed
