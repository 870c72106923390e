"""What goes out of the machines: bytes to send, and what happened.

A `Send` is for the sockets. The shell takes each of them at once, and for each does, in consecutive lines:

    if not send.allowed(boot_time()): result = SendResult.NOT_SENT
    else: result = ... hand send.data to the kernel ...
    if send.fenced: user_agent.sent(send, result, now)

An event is for whoever follows the call. `Ended` is the last event of a call, and comes only when no copy of its
INVITE can leave any more (promise S1); the machine may live on for half a minute to quiet what the far end repeats.
"""

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Literal

from calloff.sip.dialog import DialogState
from calloff.sip.headers import Reason
from calloff.sip.sdp import AgreedMedia

Transport = Literal["udp", "tcp", "tls"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message came from, or where it is to go."""

    transport: Transport
    host: str
    """An IP address without brackets; for a next hop that the far end named (Route, Contact) also a host name."""
    port: int
    connection: int | None = None
    """The shell's number of the TCP or TLS connection that a request came by; its responses go back on it."""


class SendResult(Enum):
    """What became of the bytes."""

    SENT = "sent"
    """The kernel took them all."""
    NOT_SENT = "not sent"
    """Not one byte left: the deadline had passed, the buffer was full, there is no route or no connection."""
    UNKNOWN = "unknown"
    """Some or all may have left: a connection broke while they were written."""


@dataclass(slots=True, eq=False)
class Send:
    """One message that is to leave now."""

    data: bytes
    to: Address | None
    """The next hop; None: the address that the trunk gave for this call (where its INVITE went)."""
    transport: Transport
    """How it is to go when `to` is None: what its Via says."""
    what: str
    """The method or status code, for the ladder: `INVITE`, `ACK`, `200`."""
    owner: Any = field(default=None, repr=False)
    """The machine that it came from."""
    deadline: float | None = None
    """The instant after which it must not leave any more (promise S2); set for each INVITE with a new CSeq."""
    withdrawn: bool = False
    """Set by the machine when the call was given up before the bytes left."""

    @property
    def fenced(self) -> bool:
        """Whether the machine has to be told what became of it (`UserAgent.sent`)."""
        return self.deadline is not None

    def allowed(self, now: float) -> bool:
        """Whether it may leave at `now`: to be asked in the line before the bytes go to the kernel."""
        return not self.withdrawn and (self.deadline is None or now <= self.deadline)


class EndCause(StrEnum):
    """Why a call is over."""

    NOT_SENT = "not_sent"
    """No INVITE ever left (deadline, socket, or hung up before): the attempt may be given back."""
    REFUSED = "refused"
    """A final response of 300 to 699 (`Ended.code`)."""
    TOO_LATE = "too_late"
    """A challenge or a 422 (`Ended.code`) came when the deadline had passed, so that its repetition was not sent."""
    NO_RESPONSE = "no_response"
    """No response at all for 64·T1 (RFC 3261, Timer B)."""
    RING_TIMEOUT = "ring_timeout"
    """Not answered within `CallSetup.ring_timeout`."""
    HUNG_UP_BY_US = "hung_up_by_us"
    """`hang_up`: before the answer, or after it."""
    HUNG_UP_BY_THEM = "hung_up_by_them"
    """A BYE came."""
    LOST = "lost"
    """The far end no longer knows the call, or did not refresh its session (RFC 4028): a BYE went out."""
    TRANSPORT = "transport"
    """The connection broke before there was a final response."""


class Rang(StrEnum):
    """What is known about the phone; `UNKNOWN` is never guessed away."""

    NO = "no"
    """No INVITE left, or a final response came and nothing before it said that a phone was being reached."""
    YES = "yes"
    """A provisional response other than 100, or an answer."""
    UNKNOWN = "unknown"
    """An INVITE left or may have left, and no final response came."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A provisional response other than 100 (RFC 3261 section 13.2.2.1)."""

    code: int
    media: AgreedMedia | None = None
    """What this fork sends and takes before the answer (early media), if it said so."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The call was answered (2xx, and the ACK is on its way)."""

    media: AgreedMedia | None
    """None if the far end agreed to no audio that we know, or sent no SDP at all: the call is answered all the same."""
    dialog: DialogState
    """What a process that takes over needs to end this call; to be kept with the call."""
    headers: tuple[tuple[str, str], ...] = ()
    """P-Asserted-Identity and the like, as they came."""


@dataclass(frozen=True, slots=True)
class MediaChanged:
    """A re-INVITE or UPDATE changed what was agreed (hold, another address, another codec)."""

    media: AgreedMedia | None


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """A key by INFO: one of `0-9*#A-D`."""

    key: str
    duration: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """What the far end says of a transfer that we asked for (REFER, RFC 3515)."""

    code: int
    """The status of the call to the third party; 202 when the REFER was accepted."""
    final: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over: the last event, sent exactly once."""

    cause: EndCause
    rang: Rang
    answered: bool
    """Whether an `Answered` came before. A 2xx that crossed our CANCEL has `code` 200 and no `Answered`."""
    code: int | None = None
    """The final status code of the INVITE, if one came."""
    phrase: str = ""
    """Its reason phrase, as it came: to be masked and escaped before it is shown."""
    reason: Reason | None = None
    """The `Reason` header of the response or BYE (RFC 3326): the Q.850 cause, if there is one."""
    retry_after: float | None = None
    """Seconds for which the trunk asks to be left alone (503 and others, RFC 3261 section 20.33)."""
    note: str = ""
    """A few words for logs and the call's history, without any number."""


@dataclass(frozen=True, slots=True)
class Pinged:
    """What an OPTIONS of ours came to: any response says that the trunk is there."""

    code: int | None
    """None: no response for 64·T1."""
    seconds: float
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """The registrar took our contact; the machine renews it by itself."""

    expires: float
    """Seconds until it would lapse."""
    public: tuple[str, int] | None = None
    """Host and port as which the registrar saw us (`received`, `rport`; RFC 3581), for behind a NAT."""


@dataclass(frozen=True, slots=True)
class NotRegistered:
    """The registrar refused, or is silent; the machine tries again by itself after `retry_in`."""

    code: int | None
    retry_in: float
    note: str = ""


Event = Progress | Answered | MediaChanged | KeyPressed | TransferProgress | Ended | Pinged | Registered | NotRegistered
