"""How a SIP trunk and the SIP client and media engine of a process are set up, checked when they are made."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Self

from calloff.domain.errors import NotConfigured
from calloff.domain.settings import About
from calloff.sip.events import Transport

_URI = re.compile(
    r"(?P<scheme>sips?):(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)"
    r"(?::(?P<port>[0-9]{1,5}))?(?:;transport=(?P<transport>udp|tcp|tls))?",
    re.ASCII,
)
_NAME = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,/%-]*", re.ASCII)
_SECRET = re.compile(r'[^\x00-\x1f\x7f"\\]*')
_CODECS = frozenset({"pcmu", "pcma"})

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
    transport: Transport | None
    """None leaves it to the DNS (RFC 3263), and is UDP where that says nothing."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a trunk's URI. Raises `NotConfigured`."""
        match = _URI.fullmatch(text)
        port = int(match["port"]) if match and match["port"] else None
        if match is None or (port is not None and not 0 < port < 65536):
            raise NotConfigured("A trunk's URI must look like sip:host[:port][;transport=udp|tcp|tls].", field="uri")
        transport = "tls" if match["scheme"] == "sips" else match["transport"]
        return cls(match["host"], port, _TRANSPORTS[transport] if transport else None)

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

    def of(self, user: str) -> str:
        """The URI of `user` there."""
        suffix = f";transport={self.transport}" if self.transport not in (None, "udp") else ""
        return f"sip:{user}@{self.address}{suffix}"


class NumberFormat(StrEnum):
    """How a carrier wants numbers written."""

    AS_GIVEN = "as_given"
    """As whoever queued the call wrote it."""
    PLUS = "plus"
    """With a `+` in front: E.164."""
    DIGITS = "digits"
    """Without one."""

    def write(self, number: str) -> str:
        """`number` (an optional `+` and digits) as the carrier wants it."""
        match self:
            case NumberFormat.AS_GIVEN:
                return number
            case NumberFormat.PLUS:
                return number if number.startswith("+") else f"+{number}"
            case NumberFormat.DIGITS:
                return number.removeprefix("+")


_FORMATS = {"as_given": "As they were given", "plus": "With a +", "digits": "In digits only"}


@dataclass(frozen=True, slots=True)
class SipTrunkSettings:
    """One trunk: whom to call, as whom, and how its media are carried."""

    uri: Annotated[str, About("Carrier's address", "sip:host[:port][;transport=udp|tcp|tls]")]
    """The carrier or PBX, as a `SipUri`."""
    proxies: Annotated[
        tuple[str, ...],
        About(
            "Proxies",
            "Where requests go instead, the best first; the next one is used while one is down.",
            none="the carrier's address",
            is_rare=True,
        ),
    ] = ()
    user: Annotated[str, About("User", "Of the From header, for calls without a caller ID.")] = "calloff"
    """Also for `pai` and `rpid`."""
    password: Annotated[
        str, About("Password", "For digest authentication (RFC 3261 section 22).", none="none", is_secret=True)
    ] = field(default="", repr=False)
    auth_user: Annotated[
        str | None, About("User for authentication", "Of the digest, if it is another.", none="the same")
    ] = None
    register: Annotated[
        bool,
        About("Register", "Register at the carrier (RFC 3261 section 10), and dial only while it has taken that."),
    ] = False
    registration_expires: Annotated[
        int,
        About(
            "Registration, in seconds",
            "How long a registration is asked for.",
            at_least=60,
            at_most=86400,
            is_rare=True,
        ),
    ] = 3600
    caller_id_header: Annotated[
        CallerIdHeader,
        About(
            "Caller ID goes into",
            "The header in which the carrier wants the caller ID.",
            labels={"from": "From", "pai": "P-Asserted-Identity", "rpid": "Remote-Party-ID"},
        ),
    ] = CallerIdHeader.FROM
    number_format: Annotated[
        NumberFormat, About("Numbers are written", "The number that is dialed.", labels=_FORMATS)
    ] = NumberFormat.AS_GIVEN
    caller_id_format: Annotated[
        NumberFormat, About("Caller IDs are written", "The number that is shown.", labels=_FORMATS)
    ] = NumberFormat.AS_GIVEN
    privacy: Annotated[
        bool, About("Hide the caller ID", "Ask the carrier not to show it to the callee (RFC 3323).", is_rare=True)
    ] = False
    srtp: Annotated[
        bool, About("Encrypted sound", "SRTP (RFC 4568) only: an answer without encryption ends the call.")
    ] = False
    codecs: Annotated[tuple[str, ...], About("Codecs", "pcmu (G.711 µ-law), pcma (A-law) or both, by preference.")] = (
        "pcmu",
        "pcma",
    )
    session_expires: Annotated[
        int,
        About(
            "Session refresh, in seconds",
            "How soon a far end that is gone is noticed (RFC 4028): 90 or more; 0 asks for none.",
            at_least=0,
            at_most=86400,
            is_rare=True,
        ),
    ] = 1800
    session_timeout: Annotated[
        float,
        About(
            "Longest call, in seconds",
            "After the answer; then it is hung up, whatever it still does.",
            at_least=1,
            at_most=86400,
        ),
    ] = 3600.0
    options_interval: Annotated[
        float,
        About(
            "Seconds between OPTIONS",
            "They tell whether a proxy is up: 5 or more; 0 sends none.",
            at_least=0,
            at_most=3600,
            is_rare=True,
        ),
    ] = 30.0
    signalling_networks: Annotated[
        tuple[str, ...],
        About(
            "Networks of its SIP",
            "Like 192.0.2.0/24: listened to beside the addresses of the trunk and its proxies.",
            none="no others",
            is_rare=True,
        ),
    ] = ()
    media_networks: Annotated[
        tuple[str, ...],
        About(
            "Networks of its media",
            "Where sound may come from beside the address that the far end names, and those of the trunk.",
            none="no others",
            is_rare=True,
        ),
    ] = ()
    public_address: Annotated[
        str | None,
        About(
            "Our public address",
            "Our IP address as the carrier sees it, if a NAT is between; auto learns it (RFC 3581).",
            none="no NAT",
            is_rare=True,
        ),
    ] = None
    dscp: Annotated[
        int,
        About("DSCP of SIP", "The mark on SIP packets (RFC 2474; 24 is CS3).", at_least=0, at_most=63, is_rare=True),
    ] = 24

    def __post_init__(self) -> None:
        for uri in self.uris:
            if uri.transport == "tls" and not uri.names_host:
                raise NotConfigured(
                    "A trunk over TLS must be given by host name, so that its certificate can be checked.", field="uri"
                )
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
        if self.session_expires and self.session_expires < 90:
            raise NotConfigured("A trunk's session refresh must be 0 or at least 90 seconds.", field="session_expires")
        if self.options_interval and self.options_interval < 5:
            raise NotConfigured("OPTIONS go out every 5 seconds at most; 0 sends none.", field="options_interval")
        if self.public_address not in (None, "auto"):
            try:
                ip_address(self.public_address or "")
            except ValueError:
                raise NotConfigured(
                    "A trunk's public address must be an IP address, or auto.", field="public_address"
                ) from None
        for name, given in (("signalling_networks", self.signalling_networks), ("media_networks", self.media_networks)):
            networks(given, name)

    @property
    def target(self) -> SipUri:
        """`uri`, read."""
        return SipUri.parse(self.uri)

    @property
    def uris(self) -> tuple[SipUri, ...]:
        """Where requests go, the best first."""
        return tuple(SipUri.parse(uri) for uri in self.proxies or (self.uri,))


def networks(given: tuple[str, ...], name: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks as they stand in the setting `name`. Raises `NotConfigured`."""
    try:
        return tuple(ip_network(each) for each in given)
    except ValueError:
        raise NotConfigured(
            "Networks are written like 192.0.2.0/24, with no bit set behind the prefix.", field=name
        ) from None


@dataclass(frozen=True, slots=True)
class SipEndpointSettings:
    """What all SIP trunks of a process share: one SIP port, one media engine."""

    local_address: str | None = None
    """The address to bind SIP and RTP to; None takes, for each trunk, the one that leads to it."""
    sip_port: int = 5060
    """The UDP and TCP port of SIP; if it is taken, one of the next even ones; 0 takes any."""
    rtp_ports: tuple[int, int] = (10000, 20000)
    """The first and last UDP port for RTP and RTCP; a call takes two."""
    rtp_timeout: float = 60
    """Seconds without RTP after which a call is ended; 0 never does."""
    rtp_dscp: int = 46
    """The mark on RTP packets (RFC 4594; 46 is expedited forwarding)."""
    ca_file: Path | None = None
    """The authorities (PEM) that may sign a carrier's certificate; None takes those of the system."""
    max_calls: int = 1000
    """Calls at once."""

    def __post_init__(self) -> None:
        try:
            if self.local_address is not None:
                ip_address(self.local_address)
        except ValueError:
            raise NotConfigured("The local address of SIP must be an IP address.") from None
        first, last = self.rtp_ports
        if not 0 <= self.sip_port < 65535 or not 1024 <= first < last < 65536:
            raise NotConfigured("The SIP port must be 0 to 65534, and the RTP ports a range within 1024 to 65535.")
        if self.rtp_timeout < 0 or self.max_calls < 1:
            raise NotConfigured("The RTP timeout must not be negative, and the calls at once must be 1 or more.")
        if self.ca_file is not None and not self.ca_file.is_file():
            raise NotConfigured("The CA file of SIP must exist.")
