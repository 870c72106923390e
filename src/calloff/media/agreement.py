"""What signalling tells the engine: its settings, and what a call's offer and answer have agreed on."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, cast

from calloff.domain.errors import CalloffError
from calloff.media.sound import Codec


class MediaUnavailable(CalloffError):
    """The engine is not running, or has no port left; nothing was opened."""


class Address(NamedTuple):
    """Where media go to or come from: an IPv4 or IPv6 address in text without brackets, and a UDP port."""

    host: str
    port: int


class Direction(StrEnum):
    """What *we* do (RFC 3264 section 6.1): the far end's `sendonly` is our `recvonly`."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether sound leaves."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether sound is taken."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)


class SrtpProfile(StrEnum):
    """The crypto suites of SDP (RFC 4568 section 6.2)."""

    AES_CM_128_HMAC_SHA1_80 = "AES_CM_128_HMAC_SHA1_80"
    AES_CM_128_HMAC_SHA1_32 = "AES_CM_128_HMAC_SHA1_32"


KEY_BYTES = 30
"""A master key of 16 bytes and its salt of 14, as they stand behind `inline:` once base64 is undone."""


@dataclass(frozen=True, slots=True)
class SrtpKey:
    """How one direction is encrypted."""

    profile: SrtpProfile
    key: bytes = field(repr=False)
    """`KEY_BYTES` bytes."""

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise ValueError(f"an SRTP master key with its salt has {KEY_BYTES} bytes, not {len(self.key)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What an offer and its answer have agreed on, as we see it (RFC 3264)."""

    remote: Address | None
    """Where the far end's SDP wants its media; None if it names no address (`0.0.0.0`, `::`): then nothing is sent."""
    remote_rtcp: Address | None = None
    """`a=rtcp` (RFC 3605); None means the port after `remote`."""
    rtcp_mux: bool = False
    """Both sides have said `a=rtcp-mux` (RFC 5761): reports use the port of the media."""
    codec: Codec = Codec.PCMU
    """The law in which we send. Both are always understood."""
    ptime: int = 20
    """Milliseconds of sound in a packet that we send: 10, 20, 30 or 40. Packets of any of these are understood."""
    event_payload: int | None = None
    """The number under which *the far end's* SDP lists `telephone-event/8000`: keys are sent as it. None: there is
    none, so that keys are sent as tones, and heard in the sound."""
    event_payload_in: int | None = None
    """The number under which *our* SDP lists it; None: the same. Events are taken under both."""
    direction: Direction = Direction.SENDRECV
    """What we do. While we do not send, what is to be played waits."""
    send_key: SrtpKey | None = None
    """Our `a=crypto`; None: nothing is encrypted."""
    receive_key: SrtpKey | None = None
    """The far end's `a=crypto`."""
    sources: tuple[str, ...] | None = None
    """Networks (`192.0.2.0/24`) that media may come from beside the host of `remote`; None: from anywhere. See
    `calloff.media.latch`."""


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """What one engine is told."""

    local_address: str = "0.0.0.0"  # noqa: S104 (what SDP names is signalling's business)
    """Where its ports are bound; an IPv6 address makes IPv6 ports."""
    ports: tuple[int, int] = (10000, 20000)
    """The first and the last UDP port; a call takes an even one and the next (RFC 3550 section 11)."""
    max_calls: int = 2000
    """Calls that are open at once."""
    dscp: int = 46
    """The mark on what is sent (RFC 4594: 46, expedited forwarding, for voice); 0: none."""


def pack_agreement(agreement: Agreement) -> list[object]:
    """The agreement as what a message can hold."""
    return [
        agreement.remote,
        agreement.remote_rtcp,
        agreement.rtcp_mux,
        int(agreement.codec),
        agreement.ptime,
        agreement.event_payload,
        agreement.event_payload_in,
        str(agreement.direction),
        _pack_key(agreement.send_key),
        _pack_key(agreement.receive_key),
        agreement.sources,
    ]


def unpack_agreement(packed: list[object]) -> Agreement:
    """What `pack_agreement` made."""
    remote, rtcp, mux, codec, ptime, payload, payload_in, direction, send_key, receive_key, sources = cast(
        list[Any], packed
    )
    return Agreement(
        remote=None if remote is None else Address(*remote),
        remote_rtcp=None if rtcp is None else Address(*rtcp),
        rtcp_mux=mux,
        codec=Codec(codec),
        ptime=ptime,
        event_payload=payload,
        event_payload_in=payload_in,
        direction=Direction(direction),
        send_key=_unpack_key(send_key),
        receive_key=_unpack_key(receive_key),
        sources=None if sources is None else tuple(sources),
    )


def _pack_key(key: SrtpKey | None) -> list[object] | None:
    return None if key is None else [str(key.profile), key.key]


def _unpack_key(packed: list[Any] | None) -> SrtpKey | None:
    return None if packed is None else SrtpKey(SrtpProfile(packed[0]), packed[1])
