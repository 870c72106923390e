"""Server transactions (RFC 3261 section 17.2, RFC 6026): one request of theirs and our response.

We answer at once, so a transaction begins with its final response. A repeated request gets it again; that of an INVITE
is repeated until the ACK comes.
"""

from collections.abc import Callable
from dataclasses import replace

from calloff.sip.events import Address
from calloff.sip.headers import Via
from calloff.sip.message import Header, Request, Response
from calloff.sip.setup import Timers

PHRASES = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    415: "Unsupported Media Type",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    603: "Decline",
}
TransactionKey = tuple[str, str, str]


def transaction_key(request: Request) -> TransactionKey:
    """What repetitions of a request share (RFC 3261 section 17.2.3); the same for an INVITE, its ACK and its CANCEL."""
    via = request.via
    method = "INVITE" if request.method in ("ACK", "CANCEL") else request.method
    return via.branch or f"{request.call_id} {request.cseq.number}", f"{via.host}:{via.port}".lower(), method


def reply(
    request: Request,
    status: int,
    host: str,
    port: int,
    *,
    to_tag: str = "",
    headers: list[Header] | None = None,
    body: bytes = b"",
) -> Response:
    """A response to a request that came from `host` and `port` (RFC 3261 section 8.2.6, RFC 3581)."""
    vias = request.values("via")
    to = request.need("to")
    if to_tag and not request.to_tag:
        to += f";tag={to_tag}"
    return Response(
        status,
        PHRASES.get(status, ""),
        [
            ("via", _received(vias[0], request.via, host, port)),
            *[("via", via) for via in vias[1:]],
            *[("record-route", route) for route in request.all("record-route")],
            ("from", request.need("from")),
            ("to", to),
            ("call-id", request.call_id),
            ("cseq", request.need("cseq")),
            *(headers or []),
        ],
        body,
    )


def response_address(request: Request, source: Address) -> Address:
    """Where the response to a request from `source` goes (RFC 3261 section 18.2.2, RFC 3581)."""
    if source.transport != "udp" or "rport" in request.via.parameters:
        return source
    return replace(source, port=request.via.port or 5060)


def _received(value: str, via: Via, host: str, port: int) -> str:
    if via.parameters.get("rport") == "":
        head, _, rest = value.partition(";")
        kept = [part for part in rest.split(";") if part.strip().lower() not in ("rport", "rport=")]
        return ";".join([head, *kept, f"received={host}", f"rport={port}"])
    return value if via.host == host else f"{value};received={host}"


class ServerTransaction:
    """One request of theirs, answered with `response`. `on_silence` is called when the ACK of a 2xx never came."""

    def __init__(
        self,
        request: Request,
        response: Response,
        now: float,
        timers: Timers,
        *,
        reliable: bool,
        send: Callable[[Response], None],
        on_silence: Callable[[float], None] | None = None,
    ) -> None:
        self.request = request
        self.response = response
        self._send = send
        self._timers = timers
        self._on_silence = on_silence
        self._reliable = reliable
        self._interval = timers.t1
        self.acknowledged = request.method != "INVITE"
        # A 2xx is repeated over TCP and TLS, too (RFC 3261 section 13.3.1.4).
        repeats = not self.acknowledged and (not reliable or response.status < 300)
        self._repeat_at = now + timers.t1 if repeats else None
        self._expires: float | None = now + (0.0 if self.acknowledged and reliable else timers.lifetime)
        send(response)

    @property
    def terminated(self) -> bool:
        """Whether repetitions are no longer expected."""
        return self._expires is None

    @property
    def timer(self) -> float | None:
        """When `handle_timer` is to be called."""
        if self._repeat_at is None or (self._expires is not None and self._expires <= self._repeat_at):
            return self._expires
        return self._repeat_at

    def repeated(self) -> None:
        """The request came again."""
        if not self.acknowledged or self.request.method != "INVITE":
            self._send(self.response)

    def acknowledge(self, now: float) -> None:
        """The ACK came: nothing is repeated any more."""
        self.acknowledged = True
        self._repeat_at = None
        self._expires = now + (0.0 if self._reliable else self._timers.t4)

    def handle_timer(self, now: float) -> None:
        """Repeat the response, or be over."""
        if self._expires is not None and now >= self._expires:
            self._expires = self._repeat_at = None
            if not self.acknowledged and self.response.status < 300 and self._on_silence is not None:
                self._on_silence(now)
        elif self._repeat_at is not None and now >= self._repeat_at:
            self._interval = min(self._interval * 2, self._timers.t2)
            self._repeat_at = now + self._interval
            self._send(self.response)
