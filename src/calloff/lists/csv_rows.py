"""Reads the list of a bulk upload as it streams in (contract, *Queue many calls*; RFC 4180, and what people send)."""

import csv
import json
import re
from collections.abc import Iterable, Iterator

from calloff.contract.columns import find_destination
from calloff.domain.codes import Code
from calloff.domain.csv_cells import unescape_cell
from calloff.domain.errors import InvalidInput
from calloff.domain.numbers import DEFAULT_COUNTRY
from calloff.domain.phone import parse_destination, read_destination
from calloff.lists.bulk import RejectedRow, StagedRow
from calloff.lists.csv_records import MAX_RECORD, Record, Records
from calloff.lists.encodings import Utf8

MAX_LINES = 5_000_000
"""Lines of one list."""
MAX_REJECTED = 250_000
"""Rows of one list that may be rejected before the list as a whole is."""
MAX_NAMES = 1024**3
"""Bytes that the columns' names may take up in all rows together: each row's variables repeat them."""
_MAX_COLUMNS = 100
_MAX_HEADER = 8 * 1024
_MAX_VALUE = 100
_FORMULA = re.compile(r'="([^"]*)"')
"""How Excel is told to keep a number as text."""
_BLANK = b" \t\r\n\v\f\x1a"
"""With the character that DOS wrote at the end of a text file."""
csv.field_size_limit(MAX_RECORD)


class CsvRows:
    """Turns chunks of bytes into rows: `feed` each chunk, then `finish`; both return the rows that are complete.

    `destination_column` names the column of the numbers; None looks for it (`columns.find_destination`). `country` is
    where numbers without a country code are. Both raise `InvalidInput` if the list as a whole cannot be read: no
    destination column, a column twice, or more of something than the limits above.
    """

    def __init__(self, destination_column: str | None = None, country: str = DEFAULT_COUNTRY) -> None:
        self._country = country
        self._destination_column = destination_column
        self._text = Utf8()
        self._records = Records()
        self._columns: list[str] | None = None
        self._destination = 0
        self._variables: list[int] = []
        self._unnamed: list[int] = []
        self._rejected = 0
        self._name_bytes = 0
        self._names = 0

    def feed(self, chunk: bytes) -> list[StagedRow | RejectedRow]:
        """The rows that `chunk` completes."""
        return list(self._rows(self._records.feed(self._text.feed(chunk))))

    def finish(self) -> list[StagedRow | RejectedRow]:
        """The row that was left unfinished, if there is one."""
        rows = list(self._rows(self._records.feed(self._text.finish())))
        rows += self._rows(self._records.finish())
        if self._columns is None:
            raise InvalidInput("The list is empty. Send a CSV file with a destination column.", code=Code.LIST_EMPTY)
        return rows

    def _rows(self, records: Iterable[Record]) -> Iterator[StagedRow | RejectedRow]:
        for line, record, problem in records:
            if line > MAX_LINES:
                raise InvalidInput(
                    f"The list has more than {MAX_LINES} lines. Send it in several parts.", code=Code.LIST_TOO_LONG
                )
            if problem is not None:
                if self._columns is None:
                    raise InvalidInput(f"The list has no header that can be read. {problem}", code=Code.LIST_MALFORMED)
                yield self._reject(line, record.decode(errors="replace"), problem)
            elif record.strip(_BLANK):
                row = self._row(line, record)
                if row is not None:
                    yield row

    def _row(self, line: int, record: bytes) -> StagedRow | RejectedRow | None:
        try:
            text = record.decode()
        except UnicodeDecodeError:
            if self._columns is None:
                raise InvalidInput(
                    "The list is of no encoding that is known. Save it as CSV in UTF-8.", code=Code.LIST_MALFORMED
                ) from None
            return self._reject(line, record.decode(errors="replace"), "The row is not UTF-8. Save the file as UTF-8.")
        if self._columns is None and self._take_header(text):
            return None
        if "\0" in text:
            return self._reject(line, text, "The row holds a NUL. Remove it.")
        try:
            cells = next(csv.reader((text,), delimiter=self._records.delimiter))
        except (csv.Error, StopIteration):
            return self._reject(line, text, "The row is not well-formed CSV. Check its quotes.")
        assert self._columns is not None
        if len(cells) != len(self._columns):
            if not "".join(cells).strip():
                return None
            if len(cells) > len(self._columns):
                return self._reject(
                    line, text, "The row has more cells than the header. Quote cells that hold the delimiter."
                )
            cells += [""] * (len(self._columns) - len(cells))
        cells = [_as_text(cell) for cell in cells]
        if any(cells[place].strip() for place in self._unnamed):
            return self._reject(line, text, "A cell is in a column without a name. Name the column in the first row.")
        destination = unescape_cell(cells[self._destination]).removeprefix("'")
        if not "".join(cells).strip():
            return None
        try:
            parsed = parse_destination(destination, self._country)
        except InvalidInput as error:
            return self._reject(line, destination, error.message)
        self._names += self._name_bytes
        if self._names > MAX_NAMES:
            raise InvalidInput(
                "The columns' names are too long for so many rows. Shorten them, or send fewer rows.",
                code=Code.LIST_TOO_LONG,
            )
        return StagedRow(line, parsed, {self._columns[place]: cells[place] for place in self._variables})

    def _reject(self, line: int, value: str, error: str) -> RejectedRow:
        self._rejected += 1
        if self._rejected > MAX_REJECTED:
            raise InvalidInput(
                f"More than {MAX_REJECTED} rows cannot be called. Check the destination column. Line {line}: {error}",
                code=Code.LIST_TOO_LONG,
            )
        return RejectedRow(line, value.strip().replace("\0", "\ufffd")[:_MAX_VALUE], error)

    def _take_header(self, text: str) -> bool:
        """Read the first row; False if it is a number, so that it belongs to the list."""
        if "\0" in text:
            raise InvalidInput(
                "The list holds a NUL where its header should be. Save it as CSV in UTF-8.", code=Code.LIST_MALFORMED
            )
        if _is_destination(text.strip().strip('"')):
            self._columns, self._records.delimiter = ["destination"], ","
            return False
        if len(text) > _MAX_HEADER:
            raise InvalidInput("The list's header is too long. Shorten the columns' names.", code=Code.LIST_TOO_LONG)
        try:
            columns = [name.strip() for name in next(csv.reader((text,), delimiter=self._records.delimiter))]
        except (csv.Error, StopIteration):
            raise InvalidInput(
                "The list's header is not well-formed CSV. Check its quotes.", code=Code.LIST_MALFORMED
            ) from None
        if _is_destination(columns[0]):
            raise InvalidInput(
                "The list has several columns and no header. Name the columns in the first row.",
                code=Code.LIST_MALFORMED,
            )
        destination = find_destination(columns, self._destination_column)
        named = [name for name in columns if name]
        if len(set(named)) < len(named):
            raise InvalidInput("The list has a column twice. Give each column its own name.", code=Code.COLUMN_REPEATED)
        if len(columns) > _MAX_COLUMNS:
            raise InvalidInput(
                f"The list has more than {_MAX_COLUMNS} columns. Leave out those that no call needs.",
                code=Code.LIST_TOO_LONG,
            )
        self._columns, self._destination = columns, destination
        self._unnamed = [place for place, name in enumerate(columns) if not name]
        self._variables = [place for place, name in enumerate(columns) if name and place != destination]
        self._name_bytes = len(json.dumps([columns[place] for place in self._variables]))
        return True


def _is_destination(text: str) -> bool:
    try:
        read_destination(text)
    except InvalidInput:
        return False
    return True


def _as_text(cell: str) -> str:
    """The cell, or the text in it that a formula was to keep."""
    formula = _FORMULA.fullmatch(cell.strip())
    return formula[1] if formula else cell
