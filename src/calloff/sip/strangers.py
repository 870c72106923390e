"""Requests that belong to no call: answered without keeping anything (RFC 3261 section 8.2.7)."""

import hashlib
import hmac
import secrets
from typing import Final

from calloff.sip.events import Address, Send
from calloff.sip.message import Header, Request
from calloff.sip.server import reply, response_address
from calloff.sip.session import ALLOW, SUPPORTED

_KNOWN_METHODS: Final = frozenset(part.strip() for part in ALLOW.split(","))


class Strangers:
    """Answers a trunk's requests outside of calls, and of those who are no trunk at most one a second in all."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(16)
        self._next_answer = 0.0

    def answer(self, request: Request, source: Address, now: float, *, known: bool) -> Send | None:
        """The response, or None if there is to be none. Raises `InvalidMessage`."""
        if request.method == "ACK":
            return None
        if not known:
            if now < self._next_answer:
                return None
            self._next_answer = now + 1.0
        status, headers = _decide(request) if known else (403, [])
        response = reply(
            request, status, source.host, source.port, to_tag=self._tag(request), headers=headers if known else []
        )
        return Send(response.encode(), response_address(request, source), source.transport, str(status))

    def _tag(self, request: Request) -> str:
        """The same for a repeated request, and nobody else can guess it."""
        subject = f"{request.call_id} {request.from_tag} {request.via.branch}".encode("latin-1")
        return hmac.digest(self._secret, subject, hashlib.sha256).hex()[:16]


def _decide(request: Request) -> tuple[int, list[Header]]:
    allowed: Header = ("allow", ALLOW)
    if request.to_tag or request.method == "CANCEL":
        return 481, []
    if request.method == "OPTIONS":
        return 200, [allowed, ("accept", "application/sdp"), ("supported", SUPPORTED)]
    if request.method == "INVITE":
        return 403, [allowed]
    if request.method == "NOTIFY":
        return 481, []
    return (481 if request.method in _KNOWN_METHODS else 405), [allowed]
