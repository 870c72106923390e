"""Turns whatever a spreadsheet saved into UTF-8, as it streams in.

A byte order mark decides; without one, NUL bytes give UTF-16 away, and what follows the first byte beyond ASCII decides
between UTF-8 and windows-1252, which is what is left: up to there, both are the same.
"""

import codecs
import re

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LOOK = 1024
"""Bytes beyond the first one that is not ASCII that decide between UTF-8 and windows-1252."""
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_WINDOWS_1252 = {byte: bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)}
"""Every byte, also the five that the code page leaves open, as browsers read it (WHATWG Encoding, section 9)."""


class Utf8:
    """`feed` it each piece of the file, then `finish`; both return the text so far as UTF-8, without a mark.

    What is neither UTF-16 nor windows-1252 comes out as it was sent, valid UTF-8 or not.
    """

    def __init__(self) -> None:
        self._held = b""
        self._is_marked = False
        self._decoder: codecs.IncrementalDecoder | None = None
        self._is_windows_1252: bool | None = None

    def feed(self, chunk: bytes) -> bytes:
        """The next piece; less may come out than went in, until the encoding is clear."""
        data, self._held = self._held + chunk, b""
        if not self._is_marked:
            if len(data) < 4:
                self._held = data
                return b""
            data = self._read_mark(data)
        return self._convert(data, is_last=False)

    def finish(self) -> bytes:
        """What was held back."""
        data, self._held = self._held, b""
        if not self._is_marked:
            data = self._read_mark(data)
        return self._convert(data, is_last=True)

    def _read_mark(self, data: bytes) -> bytes:
        self._is_marked = True
        mark, encoding = next((each for each in _MARKS if data.startswith(each[0])), (b"", ""))
        if not mark and data[1:2] == b"\0":
            encoding = "utf-16-le"
        elif not mark and data[:1] == b"\0" and data[1:2] not in (b"", b"\0"):
            encoding = "utf-16-be"
        if encoding.startswith("utf-16"):
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        elif mark:
            self._is_windows_1252 = False
        return data.removeprefix(mark)

    def _convert(self, data: bytes, *, is_last: bool) -> bytes:
        if self._decoder is not None:
            return self._decoder.decode(data, is_last).encode("utf-8", "replace")
        if self._is_windows_1252 is None:
            found = _BEYOND_ASCII.search(data)
            if found is None:
                return data
            if len(data) - found.start() < _LOOK and not is_last:
                self._held = data[found.start() :]
                return data[: found.start()]
            self._is_windows_1252 = not _is_mostly_utf8(data[found.start() : found.start() + _LOOK])
        if self._is_windows_1252:
            return data.decode("latin-1").translate(_WINDOWS_1252).encode()
        return data


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether more of what is beyond ASCII are sequences of UTF-8 than stray bytes."""
    sequences = _UTF8_SEQUENCE.findall(data)
    stray = len(_BEYOND_ASCII.findall(data)) - sum(map(len, sequences))
    return len(sequences) > stray
