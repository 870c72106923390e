"""A far end that a test plays by hand: it reads what a `UserAgent` sends, answers it, and turns the clock."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from calloff.domain.permits import DialogIds
from calloff.sip.call import OutgoingCall
from calloff.sip.digest import Credentials
from calloff.sip.events import Address, Event, Send, SendResult
from calloff.sip.message import Header, Request, Response, parse
from calloff.sip.sdp import LocalMedia
from calloff.sip.setup import CallSetup, Local
from calloff.sip.user_agent import UserAgent

IDS = DialogIds("call-1@calloff.example", "z9hG4bKfirst", "ours", 7)
TRUNK = Address("udp", "192.0.2.20", 5060)
CREDENTIALS = Credentials("calloff", "secret")
ANSWER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.20\r\ns=-\r\nc=IN IP4 192.0.2.20\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)
SETUP = CallSetup(
    identifiers=IDS,
    request_uri="sip:+4930123456@carrier.example",
    from_uri="sip:+4930654321@carrier.example",
    local=Local("udp", "192.0.2.10", 5060),
    deadline=1001.0,
    ring_timeout=60.0,
    media=LocalMedia("192.0.2.10", 20000),
)

E = TypeVar("E", bound=Event)


class Line:
    """A user agent, its clock, and what left it and happened, in order."""

    def __init__(self, now: float = 1000.0) -> None:
        self.agent = UserAgent()
        self.now = now
        self.takes = SendResult.SENT
        """What the kernel says of a fenced send that is allowed."""
        self.left: list[tuple[float, Request | Response, Send]] = []
        self.events: list[Event] = []
        self.unread = 0

    def dial(self, **changes: object) -> OutgoingCall:
        """Dial `SETUP`, changed."""
        call = self.agent.dial(replace(SETUP, **changes), self.now)  # type: ignore[arg-type]
        self.pump()
        return call

    def pump(self) -> None:
        """Do what the shell does: send, tell, and again, until nothing is left."""
        while sends := self.agent.take_sends():
            for send in sends:
                allowed = send.allowed(self.now)
                result = self.takes if allowed else SendResult.NOT_SENT
                if allowed and result is not SendResult.NOT_SENT:
                    self.left.append((self.now, parse(send.data), send))
                if send.fenced:
                    self.agent.sent(send, result, self.now)
        self.events += [event for _, event in self.agent.take_events()]

    def wait(self, seconds: float) -> None:
        """Let time pass, with every timer at its instant."""
        until = self.now + seconds
        while (due := self.agent.next_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.agent.handle_timers(self.now)
            self.pump()
        self.now = until

    def give(self, message: Request | Response | bytes, source: Address = TRUNK, *, known: bool = True) -> str:
        """Let a message come in."""
        data = message if isinstance(message, bytes) else message.encode()
        call_id = self.agent.receive(data, source, self.now, known=known)
        self.pump()
        return call_id

    def answer(
        self,
        request: Request,
        status: int,
        *,
        tag: str = "theirs",
        headers: Iterable[Header] = (),
        body: bytes = b"",
        contact: str | None = "<sip:callee@192.0.2.20:5060>",
        phrase: str = "Phrase",
    ) -> None:
        """Respond to a request of ours."""
        self.give(response_to(request, status, tag=tag, headers=headers, body=body, contact=contact, phrase=phrase))

    # What left

    def new(self) -> list[Request | Response]:
        """What left since it was last asked."""
        fresh = [message for _, message, _ in self.left[self.unread :]]
        self.unread = len(self.left)
        return fresh

    def names(self) -> list[str]:
        """The same as methods and status codes."""
        return [name(message) for message in self.new()]

    def requests(self, method: str) -> list[Request]:
        """All requests of that method that left, in order."""
        return [m for _, m, _ in self.left if isinstance(m, Request) and m.method == method]

    def responses(self) -> list[Response]:
        """All responses that left, in order."""
        return [m for _, m, _ in self.left if isinstance(m, Response)]

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    # The usual

    def ringing(self, **changes: object) -> tuple[OutgoingCall, Request]:
        """Dial, and get a 180."""
        call = self.dial(**changes)
        invite = self.requests("INVITE")[-1]
        self.answer(invite, 180)
        return call, invite

    def talking(self, *, headers: Iterable[Header] = (), body: bytes = ANSWER, **changes: object) -> OutgoingCall:
        """Dial, and be answered."""
        call, invite = self.ringing(**changes)
        self.answer(invite, 200, headers=headers, body=body)
        self.new()
        return call

    def ask(
        self, method: str, *, cseq: int = 1, headers: Iterable[Header] = (), body: bytes = b"", tag: str = "theirs"
    ) -> Response:
        """Send a request within the dialog, and return the response."""
        before = len(self.left)
        self.give(request_within(method, cseq=cseq, headers=headers, body=body, tag=tag))
        responses = [m for _, m, _ in self.left[before:] if isinstance(m, Response)]
        assert len(responses) == 1, f"{method} was answered {len(responses)} times"
        return responses[0]


def name(message: Request | Response) -> str:
    """Its method or status code."""
    return message.method if isinstance(message, Request) else str(message.status)


def response_to(
    request: Request,
    status: int,
    *,
    tag: str = "theirs",
    headers: Iterable[Header] = (),
    body: bytes = b"",
    contact: str | None = "<sip:callee@192.0.2.20:5060>",
    phrase: str = "Phrase",
) -> Response:
    """A response as a carrier would build it."""
    to = request.need("to")
    given: list[Header] = [
        *[("via", via) for via in request.all("via")],
        ("from", request.need("from")),
        ("to", f"{to};tag={tag}" if tag and not request.to_tag else to),
        ("call-id", request.call_id),
        ("cseq", request.need("cseq")),
    ]
    if contact is not None:
        given.append(("contact", contact))
    if body:
        given.append(("content-type", "application/sdp"))
    return Response(status, phrase, [*given, *headers], body)


def request_within(
    method: str, *, cseq: int, headers: Iterable[Header] = (), body: bytes = b"", tag: str = "theirs"
) -> Request:
    """A request of the far end within the dialog of `SETUP`."""
    given: list[Header] = [
        ("via", f"SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bKtheirs{cseq}{method};rport"),
        ("max-forwards", "70"),
        ("from", f"<{SETUP.request_uri}>;tag={tag}"),
        ("to", f"<{SETUP.from_uri}>;tag={IDS.from_tag}"),
        ("call-id", IDS.sip_call_id),
        ("cseq", f"{cseq} {method}"),
        *headers,
    ]
    if body and not any(key == "content-type" for key, _ in given):
        given.append(("content-type", "application/sdp"))
    return Request(method, "sip:calloff@192.0.2.10:5060", given, body)


def challenge(
    nonce: str = "n1", *, realm: str = "carrier", algorithm: str = "SHA-256", extra: str = ', qop="auth,auth-int"'
) -> str:
    """A Digest challenge."""
    return f'Digest realm="{realm}", nonce="{nonce}", algorithm={algorithm}{extra}'
