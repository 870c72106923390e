"""Reads session descriptions (RFC 8866), as leniently as carriers write them."""

import base64
import binascii
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal

from calloff.sip.errors import Malformed

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
    key: bytes = field(repr=False)
    """Master key and salt: 30 bytes."""


@dataclass(slots=True)
class Media:
    """One `m=` section, with what the session level says for it."""

    kind: str
    """`audio`, `video`, `image`, …"""
    port: int
    protocol: str
    formats: list[str]
    host: str = ""
    """Of `c=`; empty if there is none."""
    rtcp_port: int | None = None
    direction: Direction = Direction.SENDRECV
    ptime: int | None = None
    codecs: list[tuple[int, Codec]] = field(default_factory=list)
    """The G.711 payload types in their order of preference."""
    dtmf_payload: int | None = None
    crypto: list[CryptoKey] = field(default_factory=list)
    _maps: dict[str, str] = field(default_factory=dict)

    @property
    def secure(self) -> bool:
        """Whether it is SRTP."""
        return self.protocol.upper() in ("RTP/SAVP", "RTP/SAVPF")


MAX_BYTES: Final = 16_384
_MAX_SECTIONS: Final = 16
_STATIC: Final[dict[str, Codec]] = {"0": "pcmu", "8": "pcma"}
_NAMED: Final[dict[str, Codec]] = {"PCMU/8000": "pcmu", "PCMA/8000": "pcma"}
_SUITES: Final = frozenset({"AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"})
_MEDIA = re.compile(r"([A-Za-z0-9-]+)\s+([0-9]{1,5})(?:/[0-9]+)?\s+(\S+)((?:\s+\S+)*)\s*", re.ASCII)
_CONNECTION = re.compile(r"IN\s+IP[46]\s+([0-9A-Za-z.:_-]+)(?:/[0-9/]+)?\s*", re.ASCII | re.IGNORECASE)
_CRYPTO = re.compile(r"([0-9]{1,9})\s+(\S+)\s+inline:([A-Za-z0-9+/=]+)(?:\|[^\s;]*)?(\s.*)?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,5}", re.ASCII)
_NOWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 (an address that says "hold" in SDP)


def read_media(sdp: bytes) -> list[Media]:
    """The `m=` sections, in order. Raises `Malformed` if it is no SDP, or if a line that counts cannot be read."""
    if len(sdp) > MAX_BYTES:
        raise Malformed("The session description is longer than any that is read.")
    lines = sdp.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[0].strip() != "v=0":
        raise Malformed("The session description does not begin as one.")
    session = Media("", 0, "", [])
    sections: list[Media] = []
    for line in lines[1:]:
        kind, value = line[:2], line[2:].strip()
        current = sections[-1] if sections else session
        if kind == "m=":
            if len(sections) == _MAX_SECTIONS:
                raise Malformed("The session description has more media than are read.")
            sections.append(_section(value, session))
        elif kind == "c=":
            match = _CONNECTION.fullmatch(value)
            if match is None:
                raise Malformed("The address in a session description cannot be read.")
            current.host = match[1]
        elif kind == "a=":
            _attribute(current, value)
    for media in sections:
        _finish(media)
    return sections


def _section(value: str, session: Media) -> Media:
    match = _MEDIA.fullmatch(value)
    if match is None or int(match[2]) > 65535:
        raise Malformed("A media line of a session description cannot be read.")
    return Media(
        match[1].lower(),
        int(match[2]),
        match[3],
        match[4].split(),
        host=session.host,
        direction=session.direction,
        ptime=session.ptime,
    )


def _attribute(media: Media, text: str) -> None:
    name, _, value = text.partition(":")
    match name.strip().lower():
        case "sendrecv" | "sendonly" | "recvonly" | "inactive" as direction:
            media.direction = Direction(direction)
        case "rtpmap":
            number, _, encoding = value.strip().partition(" ")
            media._maps.setdefault(number, encoding.strip().upper().removesuffix("/1"))
        case "ptime":
            # Some write 20.0; what cannot be read or is out of all measure is passed over.
            found = _NUMBER.match(value.strip())
            media.ptime = int(found[0]) if found and 10 <= int(found[0]) <= 200 else media.ptime
        case "rtcp":
            found = _NUMBER.match(value.strip())
            media.rtcp_port = int(found[0]) if found and 0 < int(found[0]) < 65536 else None
        case "crypto":
            key = _key(value.strip())
            if key is not None and len(media.crypto) < 8:
                media.crypto.append(key)
        case _:
            pass


def _key(value: str) -> CryptoKey | None:
    """A key that we can use; None for other suites, lengths and session parameters that ask for more."""
    match = _CRYPTO.fullmatch(value)
    if match is None or match[2] not in _SUITES or (match[4] or "").strip():
        return None
    try:
        key = base64.b64decode(match[3] + "=" * (-len(match[3]) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return CryptoKey(int(match[1]), match[2], key) if len(key) == 30 else None


def _finish(media: Media) -> None:
    for number in media.formats[:64]:
        name = media._maps.get(number)
        codec = _NAMED.get(name) if name is not None else _STATIC.get(number)
        if not number.isascii() or not number.isdigit() or int(number) > 127:
            continue
        if codec is not None:
            media.codecs.append((int(number), codec))
        elif name == "TELEPHONE-EVENT/8000" and media.dtmf_payload is None:
            media.dtmf_payload = int(number)
    if media.host in _NOWHERE:
        media.direction = Direction.INACTIVE if not media.direction.sends else Direction.SENDONLY
