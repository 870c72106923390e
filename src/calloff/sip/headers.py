"""Reads the values of header fields (RFC 3261 section 20); every function raises `Malformed` and nothing else."""

import re
from dataclasses import dataclass, field

from calloff.sip.errors import Malformed

_PARAM = re.compile(r';\s*([^\s=;,"]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?\s*', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
_CSEQ = re.compile(r"([0-9]{1,10})\s+([A-Za-z0-9.!%*_+`'~-]+)", re.ASCII)
_VIA = re.compile(
    r"SIP\s*/\s*2\.0\s*/\s*([A-Za-z0-9.!%*_+`'~-]+)\s+(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?:\s*:\s*([0-9]{1,5}))?\s*"
    r"((?:;.*)?)",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)


def split_list(value: str) -> list[str]:
    """The elements of a comma-separated value; commas in quotes and in angle brackets separate nothing."""
    if "," not in value:
        return [value.strip()]
    if '"' not in value and "<" not in value:
        return [part.strip() for part in value.split(",") if part.strip()]
    parts: list[str] = []
    quoted = bracketed = skip = False
    start = 0
    for index, char in enumerate(value):
        if skip:
            skip = False
        elif quoted:
            skip = char == "\\"
            quoted = char != '"'
        elif char == '"' and not bracketed:
            quoted = True
        elif char == "<":
            bracketed = True
        elif char == ">":
            bracketed = False
        elif char == "," and not bracketed:
            parts.append(value[start:index].strip())
            start = index + 1
    parts.append(value[start:].strip())
    return [part for part in parts if part]


def parameters(text: str) -> dict[str, str]:
    """`;name=value;flag` as a dictionary: names in lower case, quotes removed, a flag's value empty."""
    found: dict[str, str] = {}
    position = 0
    text = text.strip()
    while position < len(text):
        match = _PARAM.match(text, position)
        if match is None:
            raise Malformed("The parameters of a header cannot be read.")
        value = match[2] or ""
        found.setdefault(match[1].lower(), unquote(value) if value[:1] == '"' else value)
        position = match.end()
    return found


def unquote(text: str) -> str:
    """`text` without its quotes and the backslashes within."""
    return _QUOTED_PAIR.sub(r"\1", text[1:-1])


def number(text: str, most: int = 2**32 - 1) -> int:
    """A decimal number from 0 to `most`."""
    if not _NUMBER.fullmatch(text) or int(text) > most:
        raise Malformed("A number in a header is missing, negative or too large.")
    return int(text)


@dataclass(frozen=True, slots=True)
class NameAddress:
    """A value of From, To, Contact, Route: `"Name" <uri>;param` or `uri;param`."""

    uri: str
    name: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """The tag, empty if there is none."""
        return self.parameters.get("tag", "")

    @classmethod
    def parse(cls, value: str) -> "NameAddress":
        """Read one value (no list)."""
        opening = _angle(value)
        if opening < 0:
            uri, _, rest = value.partition(";")
            uri = uri.strip()
            if not uri or ":" not in uri or any(char.isspace() for char in uri):
                raise Malformed("An address in a header has no URI.")
            return cls(uri, "", parameters(";" + rest) if rest else {})
        closing = value.find(">", opening)
        if closing < 0:
            raise Malformed("An address in a header lacks its closing angle bracket.")
        name = value[:opening].strip()
        if name[:1] == '"':
            name = unquote(name)
        rest = value[closing + 1 :].strip()
        return cls(value[opening + 1 : closing].strip(), name, parameters(rest) if rest else {})


def _angle(value: str) -> int:
    """Where the URI's `<` is, past a quoted display name; -1 if there is none."""
    stripped = value.lstrip()
    if stripped[:1] != '"':
        return value.find("<")
    position = len(value) - len(stripped) + 1
    while position < len(value) and value[position] != '"':
        position += 2 if value[position] == "\\" else 1
    if position >= len(value):
        raise Malformed("A display name lacks its closing quote.")
    return value.find("<", position)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop that a request took (RFC 3261 section 20.42)."""

    transport: str
    """In lower case: `udp`, `tcp`, `tls`."""
    host: str
    port: int | None
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def branch(self) -> str:
        """The branch, empty if there is none."""
        return self.parameters.get("branch", "")

    @classmethod
    def parse(cls, value: str) -> "Via":
        """Read one value (no list)."""
        match = _VIA.fullmatch(value.strip())
        if match is None:
            raise Malformed("A Via header cannot be read.")
        port = number(match[3], 65535) if match[3] else None
        return cls(match[1].lower(), match[2].strip("[]"), port, parameters(match[4]) if match[4] else {})


@dataclass(frozen=True, slots=True)
class CSeq:
    """The number and method of a request."""

    number: int
    method: str

    @classmethod
    def parse(cls, value: str) -> "CSeq":
        """Read the value; the number is less than 2**31 (RFC 3261 section 8.1.1.5)."""
        match = _CSEQ.fullmatch(value.strip())
        if match is None:
            raise Malformed("A CSeq header cannot be read.")
        return cls(number(match[1], 2**31 - 1), match[2])


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a request or response was sent (RFC 3326)."""

    protocol: str
    """`Q.850`, `SIP`, …"""
    cause: int | None
    text: str = ""
    location: str = ""
    """Where the ISUP network raised it (RFC 8606): `LN`, `TN`, …"""

    @property
    def q850(self) -> int | None:
        """The Q.850 cause, if this is one."""
        return self.cause if self.protocol.upper() == "Q.850" else None

    @classmethod
    def choose(cls, values: list[str]) -> "Reason | None":
        """The one that says most of several values: the Q.850 cause before others; those unreadable are passed over."""
        best: Reason | None = None
        for value in values:
            protocol, semicolon, rest = value.partition(";")
            try:
                given = parameters(semicolon + rest)
                cause = number(given["cause"]) if given.get("cause") else None
            except Malformed:
                continue
            reason = cls(protocol.strip(), cause, given.get("text", ""), given.get("location", ""))
            if best is None or (reason.q850 is not None and best.q850 is None):
                best = reason
        return best


@dataclass(frozen=True, slots=True)
class SessionExpires:
    """How long a session lasts without a refresh, and who refreshes (RFC 4028 section 4)."""

    seconds: int
    refresher: str = ""
    """`uac`, `uas` or empty."""

    @classmethod
    def parse(cls, value: str) -> "SessionExpires":
        """Read the value."""
        seconds, semicolon, rest = value.partition(";")
        refresher = parameters(semicolon + rest).get("refresher", "").lower()
        return cls(number(seconds.strip()), refresher if refresher in ("uac", "uas") else "")


def retry_after(value: str | None) -> float | None:
    """The seconds of a Retry-After header (RFC 3261 section 20.33), at most a day; None if there are none to read."""
    match = _NUMBER.match(value.strip()) if value else None
    return float(min(int(match[0]), 86400)) if match else None
