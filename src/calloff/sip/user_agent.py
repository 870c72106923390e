"""All calls of a process: gives each what comes for it, collects what they send, and knows who is to be woken when."""

import heapq
from contextlib import suppress
from itertools import count

from calloff.sip.call import OutgoingCall
from calloff.sip.errors import InvalidMessage, Malformed
from calloff.sip.events import Address, Event, Send, SendResult
from calloff.sip.machine import Machine as AnyMachine
from calloff.sip.message import Request, Response, parse
from calloff.sip.options import Ping
from calloff.sip.registration import Registration
from calloff.sip.setup import CallSetup, PingSetup, RegistrationSetup
from calloff.sip.strangers import Strangers
from calloff.sip.takeover import Takeover, TakeoverSetup

Machine = OutgoingCall | Takeover | Ping | Registration


class UserAgent:
    """The machines of one process, without sockets.

    After each call of a method that takes `now`, and of each method of a machine, the shell takes `take_sends()` and
    sends them at once, then `take_events()`; and it calls `handle_timers` when `next_timer()` is reached.
    """

    def __init__(self) -> None:
        self._machines: dict[str, list[Machine]] = {}
        """By Call-ID. More than one only where a call of this very process is taken over."""
        self._strangers = Strangers()
        self._sends: list[Send] = []
        self._changed: dict[AnyMachine, Machine] = {}
        """Those that something has happened to since it was last collected from them."""
        self._heap: list[tuple[float, int, Machine]] = []
        """When each is to be woken; an entry counts only if `_due` says the same."""
        self._due: dict[Machine, float] = {}
        self._order = count()
        self._events: list[tuple[Machine, Event]] = []

    @property
    def machines(self) -> int:
        """How many calls, take-overs, pings and registrations live."""
        return sum(map(len, self._machines.values()))

    # What is asked for

    def dial(self, setup: CallSetup, now: float) -> OutgoingCall:
        """A call, whose INVITE is the next send. Raises `InvalidMessage` or `TooLongForUdp`: then there is none."""
        if setup.identifiers.sip_call_id in self._machines:
            raise InvalidMessage("A call of this Call-ID lives already; no two attempts may share one.")
        call = OutgoingCall(setup, now)
        self._keep(call)
        return call

    def take_over(self, setup: TakeoverSetup, now: float) -> Takeover:
        """End a call that a dead dialer left: BYE if its dialog is known, else CANCEL; its `Ended` follows.

        Raises `InvalidMessage`.
        """
        takeover = Takeover(setup, now)
        self._keep(takeover)
        return takeover

    def ping(self, setup: PingSetup, now: float) -> Ping:
        """Ask whether somebody is there (OPTIONS); `Pinged` follows. Raises `InvalidMessage`."""
        ping = Ping(setup, now)
        self._keep(ping)
        return ping

    def register(self, setup: RegistrationSetup, now: float) -> Registration:
        """Register, and stay registered until `Registration.stop`; `Registered` or `NotRegistered` follow each try.

        Raises `InvalidMessage`.
        """
        registration = Registration(setup, now)
        self._keep(registration)
        return registration

    def _keep(self, machine: Machine) -> None:
        self._machines.setdefault(machine.call_id, []).append(machine)
        self._changed[machine] = machine
        machine.on_change = lambda: self._changed.setdefault(machine, machine)

    # What comes

    def receive(self, data: bytes, source: Address, now: float, *, known: bool = True) -> str:
        """Take one message (a datagram, or one that `framing` cut out of a stream).

        `known` says whether `source` belongs to a trunk: strangers get nothing, or one 4xx a second in all. Returns
        the Call-ID, for the trace; empty if the bytes were no SIP message. Never raises.
        """
        try:
            message = parse(data)
        except Malformed:
            return ""
        # What a machine cannot read or answer changes nothing.
        with suppress(Malformed, InvalidMessage):
            if isinstance(message, Response):
                self._receive_response(message, now, known=known)
            else:
                self._receive_request(message, source, now, known=known)
        return message.call_id

    def _receive_response(self, response: Response, now: float, *, known: bool) -> None:
        # One with more than one Via is not ours (RFC 3261 section 8.1.3.3).
        if not known or len(response.values("via")) != 1:
            return
        for machine in list(self._machines.get(response.call_id, ())):
            self._changed[machine] = machine
            machine.receive_response(response, now)

    def _receive_request(self, request: Request, source: Address, now: float, *, known: bool) -> None:
        machines = list(self._machines.get(request.call_id, ())) if known else []
        mine = [machine for machine in machines if machine.expects(request)]
        for machine in mine[:1]:
            self._changed[machine] = machine
            machine.receive_request(request, source, now)
        if not mine and (send := self._strangers.answer(request, source, now, known=known)) is not None:
            self._sends.append(send)

    def sent(self, send: Send, result: SendResult, now: float) -> None:
        """Tell the machine what became of a fenced send. Sends may follow."""
        call = send.owner
        if isinstance(call, OutgoingCall):
            self._changed[call] = call
            call.sent(send, result, now)

    # Time

    def next_timer(self) -> float | None:
        """When `handle_timers` is to be called next; None as long as nothing waits."""
        self._collect()
        heap = self._heap
        while heap and self._due.get(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)
        return heap[0][0] if heap else None

    def handle_timers(self, now: float) -> None:
        """Do what is due at `now`."""
        due: list[Machine] = []
        while (at := self.next_timer()) is not None and at <= now:
            machine = heapq.heappop(self._heap)[2]
            del self._due[machine]
            due.append(machine)
        for machine in due:
            self._changed[machine] = machine
            machine.handle_timers(now)

    # What goes

    def take_sends(self) -> list[Send]:
        """What is to leave now, in order."""
        self._collect()
        sends, self._sends = self._sends, []
        return sends

    def take_events(self) -> list[tuple[Machine, Event]]:
        """What happened since the last time, in order."""
        self._collect()
        events, self._events = self._events, []
        return events

    def _collect(self) -> None:
        changed, self._changed = self._changed, {}
        for machine in changed.values():
            self._sends += machine.sends
            self._events += [(machine, event) for event in machine.events]
            machine.sends.clear()
            machine.events.clear()
            timer = machine.next_timer()
            if timer is None:
                self._due.pop(machine, None)
            elif self._due.get(machine) != timer:
                self._due[machine] = timer
                heapq.heappush(self._heap, (timer, next(self._order), machine))
            if machine.closed:
                self._forget(machine)

    def _forget(self, machine: Machine) -> None:
        self._due.pop(machine, None)
        left = [other for other in self._machines.get(machine.call_id, ()) if other is not machine]
        if left:
            self._machines[machine.call_id] = left
        else:
            self._machines.pop(machine.call_id, None)
        machine.release()
