"""Reads the list of a bulk upload as it streams in (contract, *Queue many calls*; RFC 4180, and what people send)."""

import csv
import re
from collections.abc import Iterable, Iterator

from calloff.domain.errors import InvalidInput
from calloff.domain.phone import parse_destination
from calloff.queue.bulk import RejectedRow, StagedRow

MAX_RECORD = 64 * 1024
"""Bytes of one row; a longer one is rejected."""
_DESTINATION = frozenset({"destination", "phone_number"})
_DELIMITERS = ",;\t"
_MAX_VALUE = 100
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)")
csv.field_size_limit(MAX_RECORD)


class CsvRows:
    """Turns chunks of bytes into rows: `feed` each chunk, then `finish`; both return the rows that are complete.

    Both raise `InvalidInput` if the list as a whole cannot be read: another encoding, no destination column, a column
    twice.
    """

    def __init__(self) -> None:
        self._records = _Records()
        self._columns: list[str] | None = None
        self._destination = 0
        self._delimiter = ","

    def feed(self, chunk: bytes) -> list[StagedRow | RejectedRow]:
        """The rows that `chunk` completes."""
        return list(self._rows(self._records.feed(chunk)))

    def finish(self) -> list[StagedRow | RejectedRow]:
        """The row that was left unfinished, if there is one."""
        rows = list(self._rows(self._records.finish()))
        if self._columns is None:
            raise InvalidInput("The list is empty. Send a CSV file with a destination column.")
        return rows

    def _rows(self, records: Iterable[tuple[int, bytes | None]]) -> Iterator[StagedRow | RejectedRow]:
        for line, record in records:
            if record is None:
                yield RejectedRow(line, "", f"The row is longer than {MAX_RECORD // 1024} KiB. Shorten it.")
            elif record.strip():
                row = self._row(line, record)
                if row is not None:
                    yield row

    def _row(self, line: int, record: bytes) -> StagedRow | RejectedRow | None:
        try:
            text = record.decode()
        except UnicodeDecodeError:
            if self._columns is None:
                raise InvalidInput("The list is not UTF-8. Save it as CSV in UTF-8.") from None
            return _reject(line, record.decode(errors="replace"), "The row is not UTF-8. Save the file as UTF-8.")
        if self._columns is None and self._take_header(text):
            return None
        if "\0" in text:
            return _reject(line, text, "The row holds a NUL. Remove it.")
        try:
            cells = next(csv.reader((text,), delimiter=self._delimiter))
        except (csv.Error, StopIteration):
            return _reject(line, text, "The row is not well-formed CSV. Check its quotes.")
        assert self._columns is not None
        if not any(cell.strip() for cell in cells):
            return None
        if len(cells) > len(self._columns):
            return _reject(line, text, "The row has more cells than the header. Quote cells that hold the delimiter.")
        cells += [""] * (len(self._columns) - len(cells))
        destination = cells[self._destination]
        try:
            parsed = parse_destination(destination)
        except InvalidInput as error:
            return _reject(line, destination, error.message)
        variables = {
            name: cell
            for place, (name, cell) in enumerate(zip(self._columns, cells, strict=True))
            if place != self._destination
        }
        return StagedRow(line, parsed, variables)

    def _take_header(self, text: str) -> bool:
        """Read the first row; False if it is a number, so that it belongs to the list."""
        if "\0" in text:
            raise InvalidInput("The list holds a NUL where its header should be. Save it as CSV in UTF-8.")
        if _is_destination(text.strip().strip('"')):
            self._columns = ["destination"]
            return False
        self._delimiter = max(_DELIMITERS, key=text.count)
        try:
            columns = [name.strip() for name in next(csv.reader((text,), delimiter=self._delimiter))]
        except (csv.Error, StopIteration):
            raise InvalidInput("The list's header is not well-formed CSV. Check its quotes.") from None
        if _is_destination(columns[0]):
            raise InvalidInput("The list has several columns and no header. Name the columns in the first row.")
        places = [place for place, name in enumerate(columns) if name.lower() in _DESTINATION]
        if not places:
            raise InvalidInput("The list has no destination column. Name the column of numbers destination.")
        if len(places) > 1 or len(set(columns)) < len(columns):
            raise InvalidInput("The list has a column twice. Give each column its own name.")
        if "" in columns:
            raise InvalidInput("A column of the list has no name. Name it in the first row.")
        self._columns, self._destination = columns, places[0]
        return True


class _Records:
    """Cuts the stream into records, with the line each begins in; None stands for one that is too long.

    A line end closes a record unless it stands inside quotes, which it does exactly if their number so far is odd.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._record = b""
        self._begin = 1
        self._line = 1
        self._skips = False
        self._started = False

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes | None]]:
        data = self._rest + chunk
        if not self._started:
            if len(data) < 3:
                self._rest = data
                return
            data = self._begin_stream(data)
        # A carriage return at the very end may be the first half of a line end.
        lines = _LINE.findall(data[:-1] if data.endswith(b"\r") else data)
        consumed = sum(map(len, lines))
        self._rest = data[consumed:]
        for line in lines:
            yield from self._take(line)
        if len(self._record) + len(self._rest) > MAX_RECORD:
            self._skips = True
            self._record = b""
            self._rest = self._rest[-1:] if self._rest.endswith(b"\r") else b""

    def finish(self) -> Iterator[tuple[int, bytes | None]]:
        data = self._rest if self._started else self._begin_stream(self._rest)
        if data or self._record or self._skips:
            yield from self._take(data)
            if self._record:
                yield self._begin, self._record

    def _begin_stream(self, data: bytes) -> bytes:
        self._started = True
        if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:3]:
            raise InvalidInput("The list is UTF-16. Save it as CSV in UTF-8.")
        return data.removeprefix(b"\xef\xbb\xbf")

    def _take(self, line: bytes) -> Iterator[tuple[int, bytes | None]]:
        self._line += 1
        if self._skips:
            # Where its quotes would have closed is anybody's guess; the next line is a new start.
            self._skips = False
            yield self._begin, None
        else:
            self._record += line
            if self._record.count(b'"') % 2:
                if len(self._record) > MAX_RECORD:
                    self._record = b""
                    yield self._begin, None
                    self._begin = self._line
                return
            yield self._begin, self._record if len(self._record) <= MAX_RECORD else None
        self._record = b""
        self._begin = self._line


def _is_destination(text: str) -> bool:
    try:
        parse_destination(text)
    except InvalidInput:
        return False
    return True


def _reject(line: int, value: str, error: str) -> RejectedRow:
    return RejectedRow(line, value.strip().replace("\0", "\ufffd")[:_MAX_VALUE], error)
