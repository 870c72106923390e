"""What calls, take-overs, pings and registrations have in common: transactions, timers, and where messages go."""

import secrets
from collections.abc import Callable

from calloff.sip.digest import Attempt, Authenticator
from calloff.sip.errors import TooLongForUdp
from calloff.sip.events import Address, Event, Send, Transport
from calloff.sip.message import Header, Message, Request, Response
from calloff.sip.server import ServerTransaction, TransactionKey
from calloff.sip.setup import Local, Timers
from calloff.sip.transactions import ClientTransaction, State
from calloff.sip.uri import SipUri

UDP_LIMIT = 1300
"""Bytes beyond which a request does not go by UDP (RFC 3261 section 18.1.1)."""
_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}

OnResponse = Callable[[Response | None, float], None]


class Machine:
    """Something that sends requests and gets responses under one Call-ID."""

    def __init__(
        self, call_id: str, local: Local, timers: Timers, authenticator: Authenticator, *, stream: Local | None = None
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.stream = stream
        self.timers = timers
        self.authenticator = authenticator
        self.sends: list[Send] = []
        self.events: list[Event] = []
        self.client: dict[tuple[str, str], ClientTransaction] = {}
        self.server: dict[TransactionKey, ServerTransaction] = {}
        self.alarms: dict[Callable[[float], None], float] = {}
        """What is to be called when, beside the transactions."""
        self.on_change: Callable[[], object] | None = None
        """Called when somebody other than the `UserAgent` made it do something, so that its sends are collected."""

    def changed(self) -> None:
        """To be called at the end of each method that its user calls."""
        if self.on_change is not None:
            self.on_change()

    def release(self) -> None:
        """Let go of what refers to it in turn: then it is freed at once, and no garbage collector has to find it."""
        for client in self.client.values():
            client.release()
        self.client.clear()
        self.server.clear()
        self.alarms.clear()
        self.on_change = None

    @property
    def closed(self) -> bool:
        """Whether nothing is left to be answered: the machine can be forgotten."""
        raise NotImplementedError

    # Time

    def next_timer(self) -> float | None:
        """When `handle_timers` is to be called."""
        soonest: float | None = None
        for client in self.client.values():
            timer = client.timer
            if timer is not None and (soonest is None or timer < soonest):
                soonest = timer
        for server in self.server.values():
            timer = server.timer
            if timer is not None and (soonest is None or timer < soonest):
                soonest = timer
        for alarm in self.alarms.values():
            if soonest is None or alarm < soonest:
                soonest = alarm
        return soonest

    def handle_timers(self, now: float) -> None:
        """Do what is due."""
        # Alarms first: a call whose ring timeout has passed during a freeze sends no copy when it thaws.
        for alarm, at in list(self.alarms.items()):
            if at <= now and self.alarms.get(alarm) == at:
                del self.alarms[alarm]
                alarm(now)
        transactions: list[ClientTransaction | ServerTransaction] = [*self.client.values(), *self.server.values()]
        for transaction in transactions:
            if transaction.timer is not None and transaction.timer <= now:
                transaction.handle_timer(now)
        for key, client in list(self.client.items()):
            if client.state is State.TERMINATED:
                self.client.pop(key).release()
        for name, server in list(self.server.items()):
            if server.terminated:
                del self.server[name]

    # What comes

    def receive_response(self, response: Response, now: float) -> bool:
        """Give a response to its transaction; False if there is none."""
        transaction = self.client.get((response.via.branch, response.cseq.method))
        return transaction is not None and transaction.receive(response, now)

    def expects(self, request: Request) -> bool:
        """Whether a request under this Call-ID is for it; machines without dialogs take none."""
        return False

    def receive_request(self, request: Request, source: Address, now: float) -> None:
        """Answer a request that it `expects`."""

    # What goes

    def via(self, branch: str, local: Local | None = None) -> Header:
        """The Via of a request of ours."""
        place = local or self.local
        return "via", f"SIP/2.0/{place.transport.upper()} {place.sent_by};branch={branch};rport"

    def start_request(
        self,
        request: Request,
        branch: str,
        now: float,
        on_response: OnResponse,
        hop: SipUri | None = None,
        *,
        local: Local | None = None,
        to: Address | None = None,
    ) -> ClientTransaction:
        """Send a request at once and without a fence, and follow its transaction: all but the INVITE of a call.

        `local` says which of our places its Via names already; None lets its size and next hop choose. `to` goes
        before `hop`.
        """
        data, place = self.encode(request, branch, hop) if local is None else (request.encode(), local)
        to = to or self.address(hop, place)

        def send(_now: float) -> None:
            self.emit(data, to, place.transport, request.method)

        transaction = ClientTransaction(
            request,
            branch,
            self.timers,
            reliable=place.transport != "udp",
            send_again=send,
            on_response=on_response,
        )
        self.client[(branch, request.method)] = transaction
        send(now)
        transaction.started(now)
        return transaction

    def encode(
        self, request: Request, branch: str, hop: SipUri | None = None, *, strict: bool = False
    ) -> tuple[bytes, Local]:
        """The bytes, and where we are on the transport that they fit and that the next hop asks for (the Via says it).

        Without a stream, what is too long goes by UDP all the same, unless `strict`: the end of a call must not fail.
        Raises `TooLongForUdp` or `InvalidMessage`.
        """
        data = request.encode()
        wanted = self.stream is not None and hop is not None and hop.parameters.get("transport", "").lower() == "tcp"
        if self.local.transport != "udp" or (len(data) <= UDP_LIMIT and not wanted):
            return data, self.local
        if self.stream is None:
            if strict:
                raise TooLongForUdp("The request is too long for UDP; give the trunk TCP or TLS.")
            return data, self.local
        request.headers[0] = self.via(branch, self.stream)
        request.replaced()
        return request.encode(), self.stream

    def address(self, hop: SipUri | None, local: Local) -> Address | None:
        """A next hop as an address, by the transport that the Via names; the shell resolves its name."""
        return None if hop is None else Address(local.transport, hop.host, hop.port or _PORTS[local.transport])

    def emit(self, data: bytes, to: Address | None, transport: Transport, what: str) -> None:
        """Let bytes leave that no fence concerns."""
        self.sends.append(Send(data, to, transport, what, self))

    def emit_message(self, message: Request | Response, to: Address | None, transport: Transport) -> None:
        """The same for a message that no transaction repeats."""
        what = message.method if isinstance(message, Request) else str(message.status)
        self.emit(message.encode(), to, transport, what)


def new_branch() -> str:
    """A branch that nobody can guess (RFC 3261 section 8.1.1.7)."""
    return "z9hG4bK" + secrets.token_hex(12)


class Repeating:
    """A request that is no INVITE, repeated with credentials when the far end asks for them (section 22)."""

    def __init__(
        self,
        machine: Machine,
        build: Callable[[str], tuple[Request, SipUri | None]],
        on_response: OnResponse,
        now: float,
        to: Address | None = None,
    ) -> None:
        self._machine = machine
        self._to = to
        self._build = build
        self._on_response = on_response
        self._attempt: Attempt = machine.authenticator.attempt()
        self._send(now)

    def _send(self, now: float) -> None:
        branch = new_branch()
        request, hop = self._build(branch)
        for name, value in self._machine.authenticator.headers(request.method, request.uri, request.body):
            request.add(name, value)
        self._machine.start_request(request, branch, now, self._respond, hop, to=self._to)

    def _respond(self, response: Response | None, now: float) -> None:
        if response is not None and response.status in (401, 407) and self._attempt.may_repeat(response):
            self._send(now)
        else:
            self._on_response(response, now)


def shared_headers(message: Message) -> tuple[Header, ...]:
    """What of an answer is kept for those who ask who answered."""
    kept = ("p-asserted-identity", "remote-party-id", "server", "user-agent")
    return tuple((name, value) for name, value in message.headers if name in kept)
