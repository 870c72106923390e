"""How a SIP trunk and the SIP stack of a process are set up, checked when they are made."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self

from calloff.domain.errors import NotConfigured

_URI = re.compile(
    r"(?P<scheme>sips?):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?(?:;transport=(?P<transport>udp|tcp|tls))?",
    re.ASCII,
)
_NAME = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,/%-]*", re.ASCII)
_SECRET = re.compile(r'[^\x00-\x1f\x7f"\\]*')
_CODECS = frozenset({"pcmu", "pcma"})

Transport = Literal["udp", "tcp", "tls"]
_TRANSPORTS: dict[str, Transport] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}


class CallerIdHeader(StrEnum):
    """Where a trunk shows the caller ID."""

    FROM = "from"
    """In the From header (RFC 3261 section 20.20)."""
    PAI = "pai"
    """In P-Asserted-Identity (RFC 3325 section 9.1)."""
    RPID = "rpid"
    """In Remote-Party-ID, for carriers that never learned P-Asserted-Identity."""


@dataclass(frozen=True, slots=True)
class SipUri:
    """Where a trunk is: `sip:host[:port][;transport=udp|tcp|tls]`, or `sips:` for TLS."""

    host: str
    port: int | None
    transport: Transport

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a trunk's URI. Raises `NotConfigured`."""
        match = _URI.fullmatch(text)
        port = int(match["port"]) if match and match["port"] else None
        if match is None or (port is not None and not 0 < port < 65536):
            raise NotConfigured("A trunk's URI must look like sip:host[:port][;transport=udp|tcp|tls].", field="uri")
        transport = "tls" if match["scheme"] == "sips" else match["transport"] or "udp"
        return cls(match["host"], port, _TRANSPORTS[transport])

    @property
    def names_host(self) -> bool:
        """Whether `host` is a name, and not an IP address."""
        try:
            ip_address(self.host.strip("[]"))
        except ValueError:
            return True
        return False

    @property
    def address(self) -> str:
        """`host[:port]`, as it stands in a URI."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def dialing(self, number: str) -> str:
        """The Request-URI for `number`, which is digits only (`check_permit`)."""
        return f"sip:{number}@{self.address};transport={self.transport}"


@dataclass(frozen=True, slots=True)
class SipTrunkSettings:
    """One trunk: whom to call, as whom, and how its media are carried."""

    uri: str
    user: str = "calloff"
    """The user of the From header for calls without a caller ID, and for `pai` and `rpid`."""
    password: str = field(default="", repr=False)
    """For digest authentication (RFC 3261 section 22); empty for a carrier that knows us by our address."""
    auth_user: str | None = None
    """The user name of the digest if it is not `user`."""
    caller_id_header: CallerIdHeader = CallerIdHeader.FROM
    srtp: bool = False
    """Offer RTP/SAVP only (RFC 4568); an answer without encryption ends the call."""
    codecs: tuple[str, ...] = ("pcmu", "pcma")
    """G.711 variants in order of preference."""
    session_timeout: float = 3600.0
    """Seconds after the answer when a call is hung up, whatever it still does."""

    def __post_init__(self) -> None:
        SipUri.parse(self.uri)
        for name, value in (("user", self.user), ("auth_user", self.auth_user or "")):
            if not _NAME.fullmatch(value):
                raise NotConfigured(
                    "A trunk's user names may only hold letters, digits and the marks of a SIP user.", field=name
                )
        if not self.user:
            raise NotConfigured("A trunk needs a user name for its From header.", field="user")
        if not _SECRET.fullmatch(self.password):
            raise NotConfigured(
                "A trunk's password must not hold quotes, backslashes or control characters.", field="password"
            )
        if not self.codecs or not set(self.codecs) <= _CODECS:
            raise NotConfigured("A trunk's codecs must be pcmu, pcma or both.", field="codecs")
        if self.session_timeout <= 0:
            raise NotConfigured("A trunk's session timeout must be more than 0 seconds.", field="session_timeout")


@dataclass(frozen=True, slots=True)
class SipStackSettings:
    """What all SIP trunks of a process share, because they share one stack."""

    local_address: str | None = None
    """The address to bind SIP and RTP to; None lets the stack choose an interface, which is never loopback."""
    sip_port: int = 0
    """The UDP and TCP port to bind for SIP, and TLS at the next one; 0 takes free ones."""
    rtp_ports: tuple[int, int] = (10000, 20000)
    """The first and last UDP port for RTP and RTCP; a call takes two."""
    rtp_timeout: int = 60
    """Seconds without RTP after which a call is ended; 0 never does."""
    ca_file: Path | None = None
    """The authorities (PEM) that may sign a carrier's certificate; None takes those of the system."""
    verify_server: bool = True
    """Whether a carrier's certificate is verified, name included. Turn it off in a laboratory only."""
    max_calls: int = 255
    """Calls at once. 255 is the most: see `SipStack`."""

    def __post_init__(self) -> None:
        try:
            if self.local_address is not None:
                ip_address(self.local_address)
        except ValueError:
            raise NotConfigured("The local address of the SIP stack must be an IP address.") from None
        first, last = self.rtp_ports
        if not 0 <= self.sip_port < 65535 or not 1024 <= first < last < 65536:
            raise NotConfigured("The SIP port must be 0 to 65534, and the RTP ports a range within 1024 to 65535.")
        if self.rtp_timeout < 0 or not 1 <= self.max_calls <= 255:
            raise NotConfigured("The RTP timeout must not be negative, and the calls at once must be 1 to 255.")
        if self.ca_file is not None and (not self.ca_file.is_file() or any(c.isspace() for c in str(self.ca_file))):
            raise NotConfigured("The CA file of the SIP stack must exist and have no blanks in its path.")
