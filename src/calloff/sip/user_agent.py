"""All calls of a process: gives each what comes for it, collects what they send, and knows who is to be woken when."""

from calloff.sip.call import OutgoingCall
from calloff.sip.events import Address, Event, Send, SendResult
from calloff.sip.options import Ping
from calloff.sip.registration import Registration
from calloff.sip.setup import CallSetup, PingSetup, RegistrationSetup
from calloff.sip.takeover import Takeover, TakeoverSetup

Machine = OutgoingCall | Takeover | Ping | Registration


class UserAgent:
    """The machines of one process, without sockets.

    After each call of a method that takes `now`, the shell takes `take_sends()` and sends them at once, then
    `take_events()`; and it calls `handle_timers` when `next_timer()` is reached.
    """

    def dial(self, setup: CallSetup, now: float) -> OutgoingCall:
        """A call, whose INVITE is the next send. Raises `InvalidMessage` or `TooLongForUdp`: then there is none."""
        raise NotImplementedError

    def take_over(self, setup: TakeoverSetup, now: float) -> Takeover:
        """End a call that a dead dialer left: BYE if its dialog is known, else CANCEL; its `Ended` follows."""
        raise NotImplementedError

    def ping(self, setup: PingSetup, now: float) -> Ping:
        """Ask whether somebody is there (OPTIONS); `Pinged` follows."""
        raise NotImplementedError

    def register(self, setup: RegistrationSetup, now: float) -> Registration:
        """Register, and stay registered until `Registration.stop`; `Registered` or `NotRegistered` follow each try."""
        raise NotImplementedError

    def receive(self, data: bytes, source: Address, now: float, *, known: bool = True) -> str:
        """Take one message (a datagram, or one that `framing` cut out of a stream).

        `known` says whether `source` belongs to a trunk: strangers get nothing, or one 4xx a second in all. Returns
        the Call-ID, for the trace; empty if the bytes were no SIP message. Never raises.
        """
        raise NotImplementedError

    def sent(self, send: Send, result: SendResult, now: float) -> None:
        """Tell the machine what became of a fenced send. Sends may follow."""
        raise NotImplementedError

    def transport_failed(self, address: Address, now: float) -> None:
        """A connection that calls were on is gone, and no other can be had (RFC 3261 section 17.1.4)."""
        raise NotImplementedError

    def next_timer(self) -> float | None:
        """When `handle_timers` is to be called next; None as long as nothing waits."""
        raise NotImplementedError

    def handle_timers(self, now: float) -> None:
        """Do what is due at `now`."""
        raise NotImplementedError

    def take_sends(self) -> list[Send]:
        """What is to leave now, in order."""
        raise NotImplementedError

    def take_events(self) -> list[tuple[Machine, Event]]:
        """What happened since the last time, in order."""
        raise NotImplementedError
