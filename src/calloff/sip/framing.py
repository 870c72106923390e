"""Messages in a stream (RFC 3261 section 18.3; RFC 5626 section 4.4.1 for keep-alives)."""

import re
from typing import Final

from calloff.sip.errors import Malformed
from calloff.sip.message import MAX_BYTES

_LENGTH = re.compile(rb"\r\n(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,9})[ \t]*(?=\r\n)", re.IGNORECASE)
_LENGTH_NAME = re.compile(rb"\r\n(?:content-length|l)[ \t]*:", re.IGNORECASE)
_MAX_HEAD: Final = 32_768


class StreamReader:
    """Cuts the bytes of a TCP or TLS connection into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Whole messages that `data` completed, and what has to be answered at once (a pong to a ping of CRLF CRLF).

        Raises `Malformed` when the stream can no longer be cut: the connection has to be closed.
        """
        self._rest += data
        messages: list[bytes] = []
        pongs = b""
        while self._rest:
            if self._rest[0] in (13, 10):
                pongs += self._take_blank_lines()
                if self._rest[:1] == b"\r" or self._rest[:1] == b"\n":
                    break
                continue
            message = self._take_message()
            if message is None:
                break
            messages.append(message)
        return messages, pongs

    def _take_blank_lines(self) -> bytes:
        pongs = b""
        while self._rest[:4] == b"\r\n\r\n":
            del self._rest[:4]
            pongs = b"\r\n"
        if not self._rest or self._rest[0] not in (13, 10):
            return pongs
        blank = len(self._rest) - len(self._rest.lstrip(b"\r\n"))
        if blank < len(self._rest):
            del self._rest[:blank]
        elif len(self._rest) > 4:
            raise Malformed("The stream holds line breaks that belong to no message.")
        return pongs

    def _take_message(self) -> bytes | None:
        end = self._rest.find(b"\r\n\r\n", max(0, self._searched - 3))
        if end < 0:
            self._searched = len(self._rest)
            if len(self._rest) > _MAX_HEAD:
                raise Malformed("The headers of a message in the stream have no end.")
            return None
        head = bytes(self._rest[: end + 2])
        lengths = _LENGTH.findall(head)
        if len(lengths) != 1 or len(_LENGTH_NAME.findall(head)) != 1 or end > _MAX_HEAD:
            raise Malformed("A message in the stream does not say its length, or says it twice.")
        whole = end + 4 + int(lengths[0])
        if whole > MAX_BYTES:
            raise Malformed("A message in the stream is longer than any that is read.")
        if len(self._rest) < whole:
            self._searched = end
            return None
        message = bytes(self._rest[:whole])
        del self._rest[:whole]
        self._searched = 0
        return message
