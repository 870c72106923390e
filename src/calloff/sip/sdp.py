"""What is offered and agreed of the sound (RFC 8866, RFC 3264): G.711 and telephone-event, RTP or SRTP by SDES.

`sdp_reader.py` reads descriptions; here they are written, and two of them make an agreement.
"""

import base64
from dataclasses import dataclass, replace
from typing import Final

from calloff.sip.errors import InvalidMessage
from calloff.sip.sdp_reader import Codec, CryptoKey, Direction, Media, read_media

__all__ = [
    "AgreedMedia",
    "Codec",
    "CryptoKey",
    "Direction",
    "LocalMedia",
    "agree",
    "answer",
    "describe",
    "read_media",
]

_STATIC: Final[dict[Codec, int]] = {"pcmu": 0, "pcma": 8}
_MIRRORED: Final = {
    Direction.SENDRECV: Direction.SENDRECV,
    Direction.SENDONLY: Direction.RECVONLY,
    Direction.RECVONLY: Direction.SENDONLY,
    Direction.INACTIVE: Direction.INACTIVE,
}


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


def describe(local: LocalMedia, version: int = 1) -> bytes:
    """Our side as an offer."""
    codecs = [(_STATIC[codec], codec) for codec in local.codecs]
    return _write(local, version, [_audio_lines(local, codecs, local.dtmf_payload, Direction.SENDRECV, local.crypto)])


def agree(local: LocalMedia, their_sdp: bytes) -> AgreedMedia | None:
    """What their answer to our offer (`describe`) came to; None if it has no sound that we know.

    Raises `Malformed` if it is no SDP at all.
    """
    for media in read_media(their_sdp):
        agreed = _agreed(local, media)
        if agreed is not None:
            return agreed
    return None


def answer(local: LocalMedia, their_sdp: bytes, version: int = 1) -> tuple[bytes, AgreedMedia] | None:
    """Our answer to their offer, and what it comes to; None if no sound of it can be taken (488 is to be said).

    Each `m=` of theirs gets one of ours, those that we do not take with port 0 (RFC 3264 section 6).
    Raises `Malformed` if it is no SDP at all.
    """
    chosen: AgreedMedia | None = None
    sections: list[list[str]] = []
    for media in read_media(their_sdp):
        agreed = _agreed(local, media) if chosen is None else None
        if agreed is None:
            sections.append([f"m={media.kind} 0 {media.protocol} {' '.join(media.formats) or '0'}"])
            continue
        chosen = agreed
        payloads: list[tuple[int, Codec]] = [(agreed.payload_type, agreed.codec)]
        keys: tuple[CryptoKey, ...] = ()
        if agreed.local_key is not None and agreed.remote_key is not None:
            keys = (replace(agreed.local_key, tag=agreed.remote_key.tag),)
        sections.append(_audio_lines(local, payloads, agreed.dtmf_payload, agreed.direction, keys))
    return (_write(local, version, sections), chosen) if chosen is not None else None


def _agreed(local: LocalMedia, media: Media) -> AgreedMedia | None:
    if media.kind != "audio" or media.port == 0 or not media.host:
        return None
    if media.secure != bool(local.crypto):
        return None
    ours = _STATIC
    known: list[tuple[int, Codec]] = [(number, codec) for number, codec in media.codecs if codec in local.codecs]
    if not known:
        return None
    payload_type, codec = known[0]
    local_key, remote_key = _keys(local, media)
    if local.crypto and local_key is None:
        return None
    types = dict(known) | {ours[mine]: mine for mine in local.codecs}
    events = {local.dtmf_payload, media.dtmf_payload} - {None} if media.dtmf_payload is not None else set()
    return AgreedMedia(
        host=media.host,
        port=media.port,
        rtcp_port=media.rtcp_port or min(media.port + 1, 65535),
        codec=codec,
        payload_type=payload_type,
        payload_types=tuple(sorted(types.items())),
        dtmf_payload=media.dtmf_payload if local.dtmf_payload is not None else None,
        dtmf_payloads=frozenset(number for number in events if number is not None),
        ptime=media.ptime or local.ptime,
        direction=_MIRRORED[media.direction],
        local_key=local_key,
        remote_key=remote_key,
    )


def _keys(local: LocalMedia, media: Media) -> tuple[CryptoKey | None, CryptoKey | None]:
    """The first key of theirs whose suite we have: with our key of its tag (their answer), or else of its suite."""
    for theirs in media.crypto:
        mine = [key for key in local.crypto if key.suite == theirs.suite]
        if mine:
            return next((key for key in mine if key.tag == theirs.tag), mine[0]), theirs
    return None, None


def _audio_lines(
    local: LocalMedia,
    codecs: list[tuple[int, Codec]],
    dtmf: int | None,
    direction: Direction,
    keys: tuple[CryptoKey, ...],
) -> list[str]:
    protocol = "RTP/SAVP" if local.crypto else "RTP/AVP"
    formats = [str(number) for number, _ in codecs] + ([str(dtmf)] if dtmf is not None else [])
    lines = [f"m=audio {local.port} {protocol} {' '.join(formats)}"]
    lines += [f"a=rtpmap:{number} {codec.upper()}/8000" for number, codec in codecs]
    if dtmf is not None:
        lines += [f"a=rtpmap:{dtmf} telephone-event/8000", f"a=fmtp:{dtmf} 0-15"]
    lines += [f"a=crypto:{key.tag} {key.suite} inline:{base64.b64encode(key.key).decode()}" for key in keys]
    return [*lines, f"a=ptime:{local.ptime}", f"a={direction.value}"]


def _write(local: LocalMedia, version: int, sections: list[list[str]]) -> bytes:
    family = "IP6" if ":" in local.host else "IP4"
    if not local.host or any(char.isspace() for char in local.host):
        raise InvalidMessage("Our own address for media cannot be written into SDP.")
    lines = [
        "v=0",
        f"o=- {local.session} {version} IN {family} {local.host}",
        "s=-",
        f"c=IN {family} {local.host}",
        "t=0 0",
        *(line for section in sections for line in section),
    ]
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")
