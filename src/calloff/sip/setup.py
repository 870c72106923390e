"""What a call, a ping and a registration are made from."""

from dataclasses import dataclass, field

from calloff.domain.permits import DialogIds
from calloff.sip.digest import Credentials
from calloff.sip.events import Address, Transport
from calloff.sip.sdp import LocalMedia


@dataclass(frozen=True, slots=True)
class Timers:
    """The times of RFC 3261 section 17, in seconds; other values only in tests."""

    t1: float = 0.5
    """Estimate of a round trip: the first repetition comes after it."""
    t2: float = 4.0
    """The longest pause between repetitions of a request that is no INVITE."""
    t4: float = 5.0
    """How long a message may stay in the network."""

    @property
    def lifetime(self) -> float:
        """64·T1: Timers B, D, F, H, J, L and M."""
        return 64 * self.t1


@dataclass(frozen=True, slots=True)
class Local:
    """Where we are reached: goes into Via and Contact."""

    transport: Transport
    host: str
    """An IP address without brackets, or a name: the public one behind a NAT."""
    port: int

    @property
    def sent_by(self) -> str:
        """`host:port`, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def repeated(identifiers: DialogIds, number: int) -> tuple[str, int]:
    """Branch and CSeq of the INVITE after `number` challenges and 422s; 0 is the first one.

    Derived, so that whoever takes over a dead dialer's call knows them all (RFC 3261 section 9.1).
    """
    return (identifiers.branch if number == 0 else f"{identifiers.branch}.{number}"), identifiers.cseq + number


@dataclass(frozen=True, slots=True)
class CallSetup:
    """One attempt to reach somebody. Strings are checked when the INVITE is built."""

    identifiers: DialogIds
    request_uri: str
    """Whom to call: `sip:+4930...@carrier.example`."""
    from_uri: str
    """As whom: `sip:...` without angle brackets."""
    local: Local
    deadline: float
    """The instant after which no INVITE with a new CSeq may leave (promise S2)."""
    ring_timeout: float
    """Seconds from the first INVITE after which an unanswered call is given up."""
    media: LocalMedia
    """Our side of the sound: what the offer says."""
    display_name: str = ""
    to_uri: str | None = None
    """The To header, if it is not the Request-URI."""
    contact_user: str = "calloff"
    routes: tuple[str, ...] = ()
    """A preloaded route set: `<sip:proxy.example;lr>`."""
    credentials: Credentials | None = None
    stream: Local | None = None
    """Where we are on TCP or TLS, for requests that are too long for `local` over UDP (RFC 3261 section 18.1.1)."""
    headers: tuple[tuple[str, str], ...] = ()
    """What else the INVITE carries: identity, privacy (`identity.py`), the operator's own."""
    session_expires: int | None = 1800
    """Seconds between session refreshes that we propose (RFC 4028); None proposes none, and accepts theirs."""
    min_session_expires: int = 90
    """The shortest interval that we accept; RFC 4028 allows none under 90."""
    reliable_provisionals: bool = True
    """Offer 100rel (RFC 3262)."""
    user_agent: str = "Calloff"
    timers: Timers = field(default_factory=Timers)


@dataclass(frozen=True, slots=True)
class PingSetup:
    """An OPTIONS outside of any dialog (RFC 3261 section 11)."""

    request_uri: str
    from_uri: str
    local: Local
    to: Address | None = None
    credentials: Credentials | None = None
    user_agent: str = "Calloff"
    timers: Timers = field(default_factory=Timers)


@dataclass(frozen=True, slots=True)
class RegistrationSetup:
    """A registration at one registrar (RFC 3261 section 10)."""

    registrar: str
    """`sip:carrier.example`"""
    address_of_record: str
    """`sip:user@carrier.example`"""
    local: Local
    contact_user: str = "calloff"
    credentials: Credentials | None = None
    expires: int = 3600
    routes: tuple[str, ...] = ()
    user_agent: str = "Calloff"
    timers: Timers = field(default_factory=Timers)
