"""Reads and builds SIP messages (RFC 3261 section 7).

Text is Latin-1, one character a byte, so that what came goes back byte by byte whatever it was encoded as; `shown`
makes it readable. Headers are kept in order, by their long names in lower case; values are read by `headers.py` when
somebody asks. A message is checked where it is turned into bytes, so that none leaves that is not valid.
"""

import re
from collections.abc import Iterable
from typing import Final

from calloff.sip.errors import InvalidMessage, Malformed
from calloff.sip.headers import CSeq, NameAddress, Via, split_list

MAX_BYTES: Final = 65_535
"""What is longer is not read."""
_MAX_LINES: Final = 256
_MAX_LINE: Final = 8_192
"""Characters of one header, folded lines and all: what is read again and again has to be short."""
_COMPACT: Final = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
_SPELLED: Final = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "mime-version": "MIME-Version",
    "min-se": "Min-SE",
    "rack": "RAck",
    "rseq": "RSeq",
    "www-authenticate": "WWW-Authenticate",
}
_FOLD = re.compile(r"\r\n[ \t]+")
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+", re.ASCII)
_STATUS_LINE = re.compile(r"SIP/2\.0 ([1-6][0-9]{2})(?: (.*))?", re.ASCII | re.DOTALL | re.IGNORECASE)
_REQUEST_LINE = re.compile(r"([A-Za-z0-9.!%*_+`'~-]+) ([^ ]+) SIP/2\.0", re.ASCII | re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_NEEDED: Final = frozenset({"via", "from", "to", "call-id", "cseq"})
_ONCE: Final = _NEEDED - {"via"} | {"content-length", "max-forwards", "content-type"}

Header = tuple[str, str]


class Message:
    """What requests and responses have in common."""

    __slots__ = ("_cseq", "_index", "_via", "body", "headers")

    def __init__(self, headers: Iterable[Header] = (), body: bytes = b"") -> None:
        self.headers: list[Header] = list(headers)
        """Names in lower case and long, in order."""
        self.body = body
        self._index: dict[str, list[str]] | None = None
        self._cseq: CSeq | None = None
        self._via: Via | None = None

    def add(self, name: str, value: str) -> None:
        """Append a header; `name` in lower case and long."""
        self.headers.append((name, value))
        self._index = None

    def replaced(self) -> None:
        """To be called after `headers` was changed in place."""
        self._index = self._via = self._cseq = None

    def all(self, name: str) -> list[str]:
        """The values of each header of that name, as they came (a list in one header is not taken apart)."""
        index = self._index
        if index is None:
            index = {}
            for key, value in self.headers:
                index.setdefault(key, []).append(value)
            self._index = index
        return index.get(name, [])

    def get(self, name: str) -> str | None:
        """The first value of that name."""
        values = self.all(name)
        return values[0] if values else None

    def values(self, name: str) -> list[str]:
        """The elements of all lists of that name, in order."""
        return [part for value in self.all(name) for part in split_list(value)]

    def tokens(self, name: str) -> frozenset[str]:
        """The same as a set in lower case: for Supported, Require, Allow."""
        return frozenset(part.lower() for part in self.values(name))

    def need(self, name: str) -> str:
        """The first value of that name. Raises `Malformed` if there is none."""
        values = self.all(name)
        if not values:
            raise Malformed("A header that every message needs is missing.")
        return values[0]

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.need("call-id")

    @property
    def cseq(self) -> CSeq:
        """The CSeq. Raises `Malformed`."""
        if self._cseq is None:
            self._cseq = CSeq.parse(self.need("cseq"))
        return self._cseq

    @property
    def via(self) -> Via:
        """The topmost Via. Raises `Malformed`."""
        if self._via is None:
            self._via = Via.parse(split_list(self.need("via"))[0])
        return self._via

    @property
    def from_tag(self) -> str:
        """The tag of From, empty if there is none. Raises `Malformed`."""
        return _tag(self.need("from"))

    @property
    def to_tag(self) -> str:
        """The tag of To, empty if there is none. Raises `Malformed`."""
        return _tag(self.need("to"))

    def _encode(self, start: str) -> bytes:
        lines = [start]
        names = set()
        for name, value in self.headers:
            if name == "content-length":
                continue
            if name in names and name in _ONCE:
                raise InvalidMessage("A SIP message was to be built with a header twice that may be there once.")
            names.add(name)
            spelled = _SPELLED.get(name)
            if spelled is None:
                if not _TOKEN.fullmatch(name):
                    raise InvalidMessage("A SIP message was to be built with a header name that is none.")
                spelled = _SPELLED_LATER.get(name) or _spell(name)
            lines.append(f"{spelled}: {value}")
        if not names >= _NEEDED:
            raise InvalidMessage("A SIP message was to be built without a header that every message needs.")
        lines.append(f"Content-Length: {len(self.body)}")
        text = "\r\n".join(lines)
        breaks = len(lines) - 1
        if text.count("\r") != breaks or text.count("\n") != breaks or "\0" in text:
            raise InvalidMessage("A SIP message was to be built with a line break or NUL in a value.")
        try:
            return text.encode("latin-1") + b"\r\n\r\n" + self.body
        except UnicodeEncodeError:
            raise InvalidMessage("A SIP message was to be built with text that is not on_wire.") from None


_SPELLED_LATER: dict[str, str] = {}


def _spell(name: str) -> str:
    """`content-type` as `Content-Type`; remembered, for a bounded number of names."""
    spelled = "-".join(part.capitalize() for part in name.split("-"))
    if len(_SPELLED_LATER) < 256:
        _SPELLED_LATER[name] = spelled
    return spelled


def _tag(value: str) -> str:
    """The tag of a From or To, the usual form without reading the rest."""
    _, mark, rest = value.rpartition(">;tag=")
    if mark and _TOKEN.fullmatch(rest):
        return rest
    return NameAddress.parse(value).tag


class Request(Message):
    """A request. `method` is as it came: methods are case-sensitive."""

    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: str, headers: Iterable[Header] = (), body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri = uri

    def encode(self) -> bytes:
        """The bytes to send, Content-Length included. Raises `InvalidMessage`."""
        if not _TOKEN.fullmatch(self.method) or not is_uri(self.uri):
            raise InvalidMessage("A SIP request was to be built with a method or Request-URI that is none.")
        if self.get("max-forwards") is None:
            raise InvalidMessage("A SIP request was to be built without Max-Forwards.")
        if (self.get("cseq") or "").rpartition(" ")[2] != self.method:
            raise InvalidMessage("A SIP request was to be built with another method in CSeq.")
        return self._encode(f"{self.method} {self.uri} SIP/2.0")


class Response(Message):
    """A response."""

    __slots__ = ("phrase", "status")

    def __init__(self, status: int, phrase: str = "", headers: Iterable[Header] = (), body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.status = status
        self.phrase = phrase

    def encode(self) -> bytes:
        """The bytes to send, Content-Length included. Raises `InvalidMessage`."""
        if not 100 <= self.status <= 699:
            raise InvalidMessage("A SIP response was to be built with a status that is none.")
        return self._encode(f"SIP/2.0 {self.status} {self.phrase}")


def parse(data: bytes) -> Request | Response:
    """One message: a datagram, or what `framing` cut out of a stream. Raises `Malformed`.

    Bytes behind the body that Content-Length announces are dropped (RFC 3261 section 18.3).
    """
    if len(data) > MAX_BYTES:
        raise Malformed("The message is longer than any that is read.")
    head, blank, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    if not blank:
        raise Malformed("The message has no empty line after its headers.")
    text = head.decode("latin-1")
    if "\r\n " in text or "\r\n\t" in text:
        text = _FOLD.sub(" ", text)
    lines = text.split("\r\n", _MAX_LINES)
    if not text.count("\r") == text.count("\n") == len(lines) - 1 or "\0" in text:
        raise Malformed("The message has a NUL or half a line break in its headers, or more headers than are read.")
    headers: list[Header] = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t").lower()
        if not colon or len(line) > _MAX_LINE or not _TOKEN.fullmatch(name):
            raise Malformed("A line of the message is no header, or longer than any that is read.")
        headers.append((_COMPACT.get(name, name) if len(name) == 1 else name, value.strip(" \t")))
    message = _started(lines[0], headers)
    _check(message)
    message.body = _body(message, body)
    return message


def _started(line: str, headers: list[Header]) -> Request | Response:
    if response := _STATUS_LINE.fullmatch(line):
        return Response(int(response[1]), (response[2] or "").strip(), headers)
    if (request := _REQUEST_LINE.fullmatch(line)) and is_uri(request[2]):
        return Request(request[1], request[2], headers)
    raise Malformed("The message has neither a request line nor a status line of SIP/2.0.")


def _check(message: Request | Response) -> None:
    """What all that follows relies on: the headers that identify a message are there, once, and can be read."""
    for name in ("from", "to", "call-id", "cseq", "content-length"):
        if len(message.all(name)) > 1:
            raise Malformed("A header is there twice that may be there once.")
    if not message.call_id or any(char.isspace() or char == "\0" for char in message.call_id):
        raise Malformed("The Call-ID cannot be used.")
    _ = message.via, message.from_tag, message.to_tag
    if isinstance(message, Request) and message.cseq.method != message.method:
        raise Malformed("The method in CSeq is not that of the request.")
    _ = message.cseq


def _body(message: Message, rest: bytes) -> bytes:
    announced = message.get("content-length")
    if announced is None:
        return rest
    if not (announced.isascii() and announced.isdigit() and len(announced) <= 9):
        raise Malformed("Content-Length is no number.")
    if int(announced) > len(rest):
        raise Malformed("The message is shorter than its Content-Length says.")
    return rest[: int(announced)]


_URI_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"\x00-\x1f\x7f]+", re.ASCII)


def is_uri(text: str) -> bool:
    """Whether `text` can stand in a request line: a scheme and no blank, quote or angle bracket."""
    return _URI_SHAPE.fullmatch(text) is not None


def on_wire(text: str) -> str:
    """`text` as header text: UTF-8, one character a byte. Raises `InvalidMessage` for control characters."""
    if _UNPRINTABLE.search(text):
        raise InvalidMessage("A text for a SIP header holds control characters.")
    return text.encode("utf-8", "replace").decode("latin-1")


def quoted(text: str) -> str:
    """`text` as a quoted string (RFC 3261 section 25.1), ready for a header."""
    return '"' + on_wire(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def shown(text: str) -> str:
    """Header text for people: UTF-8 if it is, else Latin-1, without control characters. Not masked, not escaped."""
    try:
        decoded = text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        decoded = text
    return "".join(char for char in decoded if char.isprintable())


def body_of(message: Message, content_type: str) -> bytes | None:
    """The body of that type (`application/sdp`), also out of a multipart body (RFC 5621); None if there is none.

    A body without a Content-Type is taken for SDP if it begins like one.
    """
    if not message.body:
        return None
    given = message.get("content-type")
    if given is None:
        return message.body if content_type == "application/sdp" and message.body.startswith(b"v=0") else None
    return _part(given, message.body, content_type, depth=3)


_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))', re.IGNORECASE)


def _part(given: str, body: bytes, wanted: str, depth: int) -> bytes | None:
    media_type = given.partition(";")[0].strip().lower()
    if media_type == wanted:
        return body
    boundary = _BOUNDARY.search(given)
    if not media_type.startswith("multipart/") or boundary is None or depth == 0:
        return None
    mark = b"--" + (boundary[1] or boundary[2]).encode("latin-1")
    for part in (b"\r\n" + body).split(b"\r\n" + mark)[1:33]:
        if part.startswith(b"--"):
            break
        head, _, content = part.partition(b"\r\n\r\n")
        for line in _FOLD.sub(" ", head.decode("latin-1")).split("\r\n"):
            name, _, value = line.partition(":")
            if name.strip().lower() in ("content-type", "c"):
                found = _part(value.strip(), content, wanted, depth - 1)
                if found is not None:
                    return found
    return None
