"""How a SIP trunk and the SIP client and media engine of a process are set up, checked when they are made."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Self

from calloff.domain.errors import NotConfigured
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


@dataclass(frozen=True, slots=True)
class SipTrunkSettings:
    """One trunk: whom to call, as whom, and how its media are carried."""

    uri: str
    """The carrier or PBX, as a `SipUri`."""
    proxies: tuple[str, ...] = ()
    """Where the requests go instead, each as a `SipUri`, the best first; the next one is used while one is down."""
    user: str = "calloff"
    """The user of the From header for calls without a caller ID, and for `pai` and `rpid`."""
    password: str = field(default="", repr=False)
    """For digest authentication (RFC 3261 section 22); empty for a carrier that knows us by our address."""
    auth_user: str | None = None
    """The user name of the digest if it is not `user`."""
    register: bool = False
    """Register at the carrier (RFC 3261 section 10), and dial only while it has taken that."""
    registration_expires: int = 3600
    """Seconds that a registration is asked for."""
    caller_id_header: CallerIdHeader = CallerIdHeader.FROM
    number_format: NumberFormat = NumberFormat.AS_GIVEN
    """Of the number that is dialed."""
    caller_id_format: NumberFormat = NumberFormat.AS_GIVEN
    """Of the number that is shown."""
    privacy: bool = False
    """Ask the carrier not to show the caller ID to the callee (`Privacy: id`, RFC 3323)."""
    srtp: bool = False
    """Offer RTP/SAVP only (RFC 4568); an answer without encryption ends the call."""
    codecs: tuple[str, ...] = ("pcmu", "pcma")
    """G.711 variants in order of preference."""
    session_expires: int = 1800
    """Seconds between session refreshes (RFC 4028), by which a far end that is gone is noticed; 0 asks for none."""
    session_timeout: float = 3600.0
    """Seconds after the answer when a call is hung up, whatever it still does."""
    options_interval: float = 30.0
    """Seconds between OPTIONS, which tell whether a proxy is up; 0 sends none."""
    signalling_networks: tuple[str, ...] = ()
    """Networks (`192.0.2.0/24`) whose SIP is listened to, beside the addresses of the trunk and its proxies."""
    media_networks: tuple[str, ...] = ()
    """Networks that media may come from, beside the address that the far end's SDP names and those of the trunk."""
    public_address: str | None = None
    """Our address as the carrier sees it, if a NAT is between: an IP address, or `auto` to learn it (RFC 3581)."""
    dscp: int = 24
    """The mark on SIP packets (RFC 2474; 24 is CS3)."""

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
        if self.session_timeout <= 0:
            raise NotConfigured("A trunk's session timeout must be more than 0 seconds.", field="session_timeout")
        if self.session_expires and self.session_expires < 90:
            raise NotConfigured("A trunk's session refresh must be 0 or at least 90 seconds.", field="session_expires")
        if self.registration_expires < 60:
            raise NotConfigured("A registration must last 60 seconds or more.", field="registration_expires")
        if self.options_interval and self.options_interval < 5:
            raise NotConfigured("OPTIONS go out every 5 seconds at most; 0 sends none.", field="options_interval")
        if not 0 <= self.dscp < 64:
            raise NotConfigured("A trunk's DSCP must be 0 to 63.", field="dscp")
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
