"""Cuts a CSV file into records as it streams in (RFC 4180; a line end inside quotes closes no record)."""

import re
from collections.abc import Iterator

MAX_RECORD = 64 * 1024
"""Bytes of one record; what follows in a longer one is skipped."""

Record = tuple[int, bytes, str | None]
"""The line in which a record begins, from 1; its bytes; and what is wrong with it, if it cannot be read."""

_DELIMITERS = (b",", b";", b"\t")
_QUOTED = re.compile(rb'(?:[^"]++|"")*+"')
_SAID = re.compile(rb"sep=([,;\t])[\r\n]*", re.IGNORECASE)
_TOO_LONG = f"The row is longer than {MAX_RECORD // 1024} KiB. Shorten it, or check its quotes."
_NOT_CLOSED = "The row's last quote is never closed. Check its quotes."
_EXCERPT = 200


class Records:
    """Turns chunks into records, however the chunks are cut: `feed` each, then `finish`.

    `delimiter` is the one of `,` `;` and tab that the first line that is not blank has most of, unless the reader of
    the first record knows better; a first line `sep=;`, as Excel writes it, says it outright and is no record.
    """

    def __init__(self) -> None:
        self.delimiter = ","
        self._rest = b""
        self._record: list[bytes] = []
        self._size = 0
        self._begin = 1
        self._line = 0
        self._in_quotes = False
        self._skips = False
        self._has_delimiter = False

    def feed(self, chunk: bytes) -> Iterator[Record]:
        """The records that `chunk` completes."""
        data = self._rest + chunk
        lines = data.splitlines(keepends=True)
        # A carriage return at the very end may be the first half of a line end.
        self._rest = lines.pop() if lines and not lines[-1].endswith(b"\n") else b""
        for line in lines:
            if self._size or self._skips or not self._has_delimiter or b'"' in line or len(line) > MAX_RECORD:
                yield from self._take(line)
            else:
                # Most lines are a record of their own.
                self._line += 1
                yield self._line, line, None
        if self._size + len(self._rest) > MAX_RECORD:
            if not self._skips:
                self._skips = True
                begin = self._begin if self._size else self._line + 1
                yield begin, (b"".join(self._record) + self._rest)[:_EXCERPT], _TOO_LONG
                self._record, self._size = [], 0
            self._rest = self._rest[-1:] if self._rest.endswith(b"\r") else b""

    def finish(self) -> Iterator[Record]:
        """The record that has no line end, if there is one."""
        if self._rest:
            yield from self._take(self._rest)
        if self._in_quotes and not self._skips:
            yield self._begin, b"".join(self._record)[:_EXCERPT], _NOT_CLOSED

    def _take(self, line: bytes) -> Iterator[Record]:
        self._line += 1
        if self._skips:
            # Where its quotes would have closed is anybody's guess; the next line is a new start.
            self._skips = self._in_quotes = False
            return
        if not self._size:
            self._begin = self._line
        if not self._has_delimiter and line.strip(b" \r\n"):
            self._has_delimiter = True
            if said := _SAID.fullmatch(line):
                self.delimiter = said[1].decode()
                return
            self.delimiter = max(_DELIMITERS, key=line.count).decode()
        self._record.append(line)
        self._size += len(line)
        if self._in_quotes or b'"' in line:
            self._in_quotes = _ends_in_quotes(line, self._in_quotes, self.delimiter.encode())
        if self._size > MAX_RECORD:
            yield self._begin, b"".join(self._record)[:_EXCERPT], _TOO_LONG
            self._in_quotes = False
        elif self._in_quotes:
            return
        else:
            yield self._begin, b"".join(self._record), None
        self._record, self._size = [], 0


def _ends_in_quotes(line: bytes, in_quotes: bool, delimiter: bytes) -> bool:
    """Whether a quoted cell goes on in the next line. A quote opens one only where a cell begins, as for `csv`."""
    place = 0
    while True:
        if in_quotes:
            closed = _QUOTED.match(line, place)
            if closed is None:
                return True
            place = closed.end()
        elif line.startswith(b'"', place):
            in_quotes = True
            place += 1
            continue
        in_quotes = False
        place = line.find(delimiter, place) + 1
        if place == 0:
            return False
