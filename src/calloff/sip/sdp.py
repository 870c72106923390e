"""What is offered and agreed of the sound (RFC 8866, RFC 3264): G.711 and telephone-event, RTP or SRTP by SDES."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Codec = Literal["pcmu", "pcma"]


class Direction(StrEnum):
    """Which way sound goes, as the side sees it that it is said of."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @property
    def sends(self) -> bool:
        """Whether that side sends."""
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def receives(self) -> bool:
        """Whether that side receives."""
        return self in (Direction.SENDRECV, Direction.RECVONLY)


@dataclass(frozen=True, slots=True)
class CryptoKey:
    """A key of `a=crypto` (RFC 4568)."""

    tag: int
    suite: str
    """`AES_CM_128_HMAC_SHA1_80` or `AES_CM_128_HMAC_SHA1_32`."""
    key: bytes
    """Master key and salt: 30 bytes."""


@dataclass(frozen=True, slots=True)
class LocalMedia:
    """Our side."""

    host: str
    """The IP address that is told to the far end: the public one behind a NAT."""
    port: int
    """For RTP; RTCP is at the next one."""
    codecs: tuple[Codec, ...] = ("pcmu", "pcma")
    """In the order of preference."""
    dtmf_payload: int | None = 101
    """The payload type of our telephone-event (RFC 4733); None offers none."""
    ptime: int = 20
    crypto: tuple[CryptoKey, ...] = ()
    """Keys for what we send, in the order of preference; any means that only SRTP is offered and accepted."""
    session: int = 1
    """The number of the session (`o=`)."""


@dataclass(frozen=True, slots=True)
class AgreedMedia:
    """What one offer and its answer came to."""

    host: str
    """Where to send RTP: the IP address (or name) of the far end; `0.0.0.0` while it holds us in the old way."""
    port: int
    rtcp_port: int
    codec: Codec
    payload_type: int
    """What we send the codec as."""
    payload_types: tuple[tuple[int, Codec], ...]
    """What they may send, and what it is."""
    dtmf_payload: int | None
    """What we send keys as; None if no telephone-event was agreed: then keys are heard in-band, and sent by INFO."""
    dtmf_payloads: frozenset[int]
    """What their keys come as."""
    ptime: int
    """Milliseconds of sound in a packet that they want."""
    direction: Direction
    """As we see it: what we may do."""
    local_key: CryptoKey | None = None
    remote_key: CryptoKey | None = None

    @property
    def on_hold(self) -> bool:
        """Whether the far end does not want to hear us now."""
        return not self.direction.sends
