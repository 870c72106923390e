"""SIP URIs (RFC 3261 section 19.1, RFC 5118 for IPv6)."""

import re
from dataclasses import dataclass, field

from calloff.sip.errors import Malformed

_URI = re.compile(
    r"(?P<scheme>sips?):(?:(?P<user>[^@<>\s\"]*)@)?(?P<host>\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9_.-]+)?\]|[A-Za-z0-9_.-]+)"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<parameters>(?:;[^;?<>\s\"]*)*)(?P<headers>\?[^<>\s\"]*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SipUri:
    """`sip:user@host:port;parameters?headers`."""

    host: str
    """A name, or an IP address without brackets."""
    port: int | None = None
    user: str = ""
    """As it is written, with escapes and a password if there is one; empty if there is none."""
    scheme: str = "sip"
    parameters: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""

    @classmethod
    def parse(cls, text: str) -> "SipUri":
        """Read a `sip:` or `sips:` URI. Raises `Malformed`, for other schemes, too."""
        match = _URI.fullmatch(text)
        port = int(match["port"]) if match and match["port"] else None
        if match is None or (port is not None and not 0 < port < 65536):
            raise Malformed("A SIP URI cannot be read.")
        found: dict[str, str] = {}
        if match["parameters"]:
            for part in match["parameters"][1:].split(";"):
                name, _, value = part.partition("=")
                found.setdefault(name.lower(), value)
        return cls(match["host"].strip("[]"), port, match["user"] or "", match["scheme"].lower(), found)

    @property
    def loose(self) -> bool:
        """Whether a route asks for loose routing (`lr`, RFC 3261 section 16.12)."""
        return "lr" in self.parameters
