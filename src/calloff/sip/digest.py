"""Digest authentication (RFC 7616, RFC 8760; RFC 2069 for challenges without `qop`)."""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from calloff.sip.headers import unquote
from calloff.sip.message import Header, Response

_HASHES: Final[dict[str, Callable[[bytes], "hashlib._Hash"]]] = {
    "SHA-256": hashlib.sha256,
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
}
"""In the order in which they are preferred."""
_PREFERENCE: Final = {name: rank for rank, name in enumerate(_HASHES)}
_PAIR = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]*)', re.DOTALL)
_NEXT_SCHEME = re.compile(r"\s*,\s*Digest\s+(?=[A-Za-z])", re.IGNORECASE)
_ANSWERED_BY: Final = {"www-authenticate": "authorization", "proxy-authenticate": "proxy-authorization"}
_MAX_CHALLENGES: Final = 16
_MAX_LENGTH: Final = 4_096


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to a trunk."""

    username: str
    password: str = field(repr=False)
    realm: str | None = None
    """The only realm whose challenges are answered; None answers each."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge that we can answer."""

    header: str
    """The header that the answer goes into: `authorization` or `proxy-authorization`."""
    realm: str
    nonce: str
    algorithm: str
    """As it came: `SHA-256`, `MD5-sess`; `MD5` if none was given."""
    qop: str
    """`auth`, `auth-int`, or empty for none (RFC 2069)."""
    opaque: str | None
    stale: bool
    userhash: bool

    @property
    def hash_name(self) -> str:
        """The hash under the algorithm."""
        return self.algorithm.upper().removesuffix("-SESS")


def challenges(response: Response) -> list[Challenge]:
    """The challenges of a 401 or 407 that can be answered: the best of each realm (SHA-256 before MD5)."""
    best: dict[tuple[str, str], Challenge] = {}
    for name in _ANSWERED_BY:
        for value in response.all(name)[:_MAX_CHALLENGES]:
            if len(value) > _MAX_LENGTH:
                continue
            for text in _NEXT_SCHEME.split(value)[:_MAX_CHALLENGES]:
                challenge = _read(_ANSWERED_BY[name], text)
                if challenge is None:
                    continue
                key = (challenge.header, challenge.realm)
                if key not in best or _PREFERENCE[challenge.hash_name] < _PREFERENCE[best[key].hash_name]:
                    best[key] = challenge
    return list(best.values())


def _read(header: str, text: str) -> Challenge | None:
    scheme, _, rest = text.strip().partition(" ")
    given: dict[str, str] = {}
    for match in _PAIR.finditer(rest if scheme.lower() == "digest" else text):
        value = match[2]
        given.setdefault(match[1].lower(), unquote(value) if value[:1] == '"' else value)
    if scheme.lower() != "digest" and "=" not in scheme:
        return None
    algorithm = given.get("algorithm") or "MD5"
    offered = [part.strip().lower() for part in given["qop"].split(",")] if given.get("qop") else []
    qop = next((wanted for wanted in ("auth", "auth-int") if wanted in offered), "")
    usable = algorithm.upper().removesuffix("-SESS") in _HASHES and (qop or not offered)
    if not usable or "nonce" not in given or "realm" not in given:
        return None
    return Challenge(
        header,
        given["realm"],
        given["nonce"],
        algorithm,
        qop,
        given.get("opaque"),
        given.get("stale", "").lower() == "true",
        given.get("userhash", "").lower() == "true",
    )


def answer(
    challenge: Challenge, credentials: Credentials, method: str, uri: str, body: bytes, cnonce: str, count: int
) -> Header:
    """The header that answers `challenge` for one request; `count` is how often its nonce was used, from 1."""
    digest = _HASHES[challenge.hash_name]

    def hashed(text: str) -> str:
        return digest(text.encode("latin-1", "replace")).hexdigest()

    username = credentials.username.encode().decode("latin-1")
    password = credentials.password.encode().decode("latin-1")
    secret = hashed(f"{username}:{challenge.realm}:{password}")
    if challenge.algorithm.upper().endswith("-SESS"):
        secret = hashed(f"{secret}:{challenge.nonce}:{cnonce}")
    subject = f"{method}:{uri}"
    if challenge.qop == "auth-int":
        subject += f":{digest(body).hexdigest()}"
    nc = f"{count:08x}"
    middle = f"{nc}:{cnonce}:{challenge.qop}:" if challenge.qop else ""
    proof = hashed(f"{secret}:{challenge.nonce}:{middle}{hashed(subject)}")
    if challenge.userhash:
        username = hashed(f"{username}:{challenge.realm}")
    parts = [
        f"username={_quote(username)}",
        f"realm={_quote(challenge.realm)}",
        f"nonce={_quote(challenge.nonce)}",
        f"uri={_quote(uri)}",
        f'response="{proof}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.qop:
        parts += [f'cnonce="{cnonce}"', f"qop={challenge.qop}", f"nc={nc}"]
    elif challenge.algorithm.upper().endswith("-SESS"):
        parts.append(f'cnonce="{cnonce}"')
    if challenge.opaque is not None:
        parts.append(f"opaque={_quote(challenge.opaque)}")
    if challenge.userhash:
        parts.append("userhash=true")
    return challenge.header, "Digest " + ", ".join(parts)


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Authenticator:
    """The challenges that one trunk gave in one call, so that its later requests answer them unasked.

    `attempt()` counts the answers of one request: each realm is answered at most once, and once more if the trunk says
    that the nonce was stale, so that a wrong password never loops (RFC 3261 section 22.1).
    """

    def __init__(self, credentials: Credentials | None) -> None:
        self.credentials = credentials
        self._known: dict[tuple[str, str], Challenge] = {}
        self._counts: dict[str, int] = {}

    def attempt(self) -> "Attempt":
        """For one new request."""
        return Attempt(self)

    def learn(self, challenge: Challenge) -> None:
        """Keep a challenge for later requests, in place of the one before of its realm."""
        self._known[(challenge.header, challenge.realm)] = challenge

    def headers(self, method: str, uri: str, body: bytes) -> list[Header]:
        """The headers for one request that answer all that is known."""
        if self.credentials is None or not self._known:
            return []
        answers: list[Header] = []
        for challenge in self._known.values():
            count = self._counts[challenge.nonce] = self._counts.get(challenge.nonce, 0) + 1
            cnonce = secrets.token_hex(8)
            answers.append(answer(challenge, self.credentials, method, uri, body, cnonce, count))
        return answers


class Attempt:
    """What one request and its repetitions have answered so far."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._answered: set[tuple[str, str]] = set()
        self._refreshed: set[tuple[str, str]] = set()

    def may_repeat(self, response: Response) -> bool:
        """Whether the request may be sent once more after this 401 or 407, with the headers then known."""
        credentials = self._authenticator.credentials
        if credentials is None:
            return False
        fresh = False
        for challenge in challenges(response):
            if credentials.realm is not None and credentials.realm != challenge.realm:
                continue
            key = (challenge.header, challenge.realm)
            if key not in self._answered:
                self._answered.add(key)
            elif challenge.stale and key not in self._refreshed:
                self._refreshed.add(key)
            else:
                return False
            self._authenticator.learn(challenge)
            fresh = True
        return fresh
