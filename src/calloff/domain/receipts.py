"""Receipts: what one cancel called off, in a form that anybody can check later, without the server.

A receipt is JSON, signed with Ed25519 (RFC 8032) over its canonical form (RFC 8785). Keys are public as a JSON Web Key
Set (RFC 7517, RFC 8037), each named by its thumbprint (RFC 7638). Each part of a receipt has its number of calls and
the SHA-256 of their IDs, ascending, in decimal, one a line: so the list of a part is checked with `sha256sum`.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from calloff.domain.errors import InvalidInput

ALGORITHM = "Ed25519"
_NOT_GENUINE = "The receipt is not genuine: its signature does not fit what it says. Ask for it again at its server."


class CallIds:
    """The IDs of a part, taken in as they come, in ascending order."""

    def __init__(self) -> None:
        self.calls = 0
        self._digest = hashlib.sha256()

    def add(self, call_ids: Iterable[int]) -> None:
        """The next IDs of the part."""
        lines = [b"%d\n" % call_id for call_id in call_ids]
        self.calls += len(lines)
        self._digest.update(b"".join(lines))

    def part(self) -> dict[str, Any]:
        """What the receipt says of the part."""
        return {"calls": self.calls, "sha256": self._digest.hexdigest()}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs receipts; `private` is 32 bytes, to be kept encrypted."""

    private: bytes

    @classmethod
    def make(cls) -> "SigningKey":
        """A new one."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def public(self) -> dict[str, str]:
        """Its public half as a JSON Web Key."""
        x = Ed25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()
        key = {"crv": ALGORITHM, "kty": "OKP", "x": _encode(x)}
        return {**key, "kid": _encode(hashlib.sha256(rfc8785.dumps(dict(key))).digest()), "use": "sig"}

    def sign(self, receipt: Mapping[str, Any]) -> dict[str, Any]:
        """The receipt with its signature: `{"receipt": …, "signature": {"algorithm", "kid", "value"}}`."""
        value = Ed25519PrivateKey.from_private_bytes(self.private).sign(rfc8785.dumps(dict(receipt)))
        return {
            "receipt": dict(receipt),
            "signature": {"algorithm": ALGORITHM, "kid": self.public["kid"], "value": _encode(value)},
        }


def verify(signed: object, key_set: object) -> dict[str, Any]:
    """The receipt that `signed` holds, whose signature was made with one of the `key_set`.

    Raises `InvalidInput` if it was not, or if what was given is no receipt and no key set.
    """
    try:
        assert isinstance(signed, dict)
        assert isinstance(key_set, dict)
        receipt, signature = signed["receipt"], signed["signature"]
        keys = {key["kid"]: key for key in key_set["keys"] if key["kty"] == "OKP" and key["crv"] == ALGORITHM}
        kid, value = signature["kid"], _decode(signature["value"])
        canonical = rfc8785.dumps(receipt)
    except (AssertionError, KeyError, TypeError, ValueError, rfc8785.CanonicalizationError):
        raise InvalidInput("This is no signed receipt with its key set. Give both as JSON.") from None
    if kid not in keys:
        raise InvalidInput("The receipt was signed with a key that is not among these. Get the key set of its server.")
    try:
        Ed25519PublicKey.from_public_bytes(_decode(keys[kid]["x"])).verify(value, canonical)
    except (InvalidSignature, KeyError, TypeError, ValueError):
        raise InvalidInput(_NOT_GENUINE) from None
    assert isinstance(receipt, dict)
    return receipt


def check_part(receipt: Mapping[str, Any], part: str, lines: Iterable[bytes]) -> int:
    """How many calls the part has, if `lines` are the IDs that the receipt was made of. Raises `InvalidInput`."""
    known = receipt.get("parts", {}).get(part)
    if known is None:
        raise InvalidInput(f"The receipt has no part {part!r}. It has {', '.join(receipt.get('parts', {}))}.")
    digest, calls = hashlib.sha256(), 0
    for line in lines:
        digest.update(line)
        calls += 1
    if (calls, digest.hexdigest()) != (known["calls"], known["sha256"]):
        raise InvalidInput("The list of calls is not the one that the receipt was made of. Download it again.")
    return calls


def read_json(text: bytes | str) -> object:
    """What the text says. Raises `InvalidInput` if it is no JSON, or says anything twice."""
    try:
        return json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        raise InvalidInput("This is no JSON. Give the file as it was downloaded.") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
