"""The SIP client of a process: the machines of `user_agent.py` on the sockets of `wire.py`.

Whatever the machines want to send leaves at once; for what has a deadline, the clock is looked at and the bytes are
handed to the kernel in consecutive lines (`datagrams.py`, `streams.py`), and the machine is told what became of it
before anything else happens.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address
from typing import TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from calloff.domain.clock import boot_time
from calloff.sip.call import OutgoingCall
from calloff.sip.events import Address, Ended, Event, Pinged, Send, SendResult
from calloff.sip.locate import Locator
from calloff.sip.options import Ping
from calloff.sip.registration import Registration
from calloff.sip.setup import CallSetup, PingSetup, RegistrationSetup
from calloff.sip.takeover import Takeover, TakeoverSetup
from calloff.sip.trace import Trace
from calloff.sip.user_agent import Machine, UserAgent
from calloff.sip.wire import Wire, WireSettings

_log = logging.getLogger(__name__)
_SEEN_AS = re.compile(
    rb"\ASIP/2\.0 .*?\r\n(?:via|v)[ \t]*:[^\r\n,]*?;"
    rb"(?=[^\r\n,]*received=([0-9A-Fa-f.:\[\]]+))(?=[^\r\n,]*rport=([0-9]+))",
    re.IGNORECASE | re.DOTALL,
)

OnEvent = Callable[[Event], None]
M = TypeVar("M", OutgoingCall, Takeover, Ping, Registration)


class SipClient:
    """Calls, pings and registrations of one process. All SIP trunks share it.

    Callbacks are called on the event loop; they may call back into the client.
    """

    def __init__(self, settings: WireSettings | None = None, locator: Locator | None = None) -> None:
        self.locator = locator or Locator()
        self.wire = Wire(settings or WireSettings(), self._received, self._broken)
        self.seen_as: dict[str, tuple[str, int]] = {}
        """As which host and port each trunk's address last saw us (`received` and `rport`, RFC 3581)."""
        self._agent = UserAgent()
        self._handlers: dict[Machine, OnEvent] = {}
        # The machines live for as long as the user agent needs them, which is longer than anybody follows them.
        self._peers: WeakKeyDictionary[Machine, Address] = WeakKeyDictionary()
        self._traces: WeakKeyDictionary[Machine, Trace] = WeakKeyDictionary()
        self._traced: WeakValueDictionary[str, Machine] = WeakValueDictionary()
        self._pumping = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._users = 0
        self._resolving: set[asyncio.Task[None]] = set()

    def acquire(self) -> None:
        """Bind the sockets, if nobody did before. Raises `PortTaken`."""
        if not self._users:
            self.wire.start()
        self._users += 1

    def release(self) -> None:
        """Undo one `acquire`; the last one closes the sockets, and what still waits for an answer gets none."""
        self._users -= 1
        if self._users == 0:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self.wire.close()
            self._agent = UserAgent()
            self._handlers.clear()

    def dial(self, setup: CallSetup, to: Address, on_event: OnEvent, trace: Trace) -> OutgoingCall:
        """Send an INVITE before this returns, or not at all: then `on_event` has been given `Ended` (`NOT_SENT`).

        Raises `InvalidMessage` or `TooLongForUdp`: then none was sent.
        """
        call = self._agent.dial(setup, boot_time())
        return self._follow(call, to, on_event, trace)

    def hang_up(self, call: OutgoingCall, *, reason: str = "") -> None:
        """End a call: CANCEL or BYE leave before this returns, if there is anything to be sent yet."""
        call.hang_up(boot_time(), reason=reason)
        self._pump()

    def send_key(self, call: OutgoingCall, key: str, duration: float) -> bool:
        """Send a key by INFO; False if the far end takes none."""
        taken = call.send_key(key, duration, boot_time())
        self._pump()
        return taken

    def take_over(self, setup: TakeoverSetup, to: Address, on_event: OnEvent, trace: Trace) -> Takeover:
        """End a call that a dead process left; its `Ended` follows."""
        takeover = self._agent.take_over(setup, boot_time())
        return self._follow(takeover, to, on_event, trace)

    def ping(self, setup: PingSetup, to: Address, on_event: OnEvent) -> Ping:
        """Send OPTIONS; `Pinged` follows."""
        return self._follow(self._agent.ping(setup, boot_time()), to, on_event)

    def register(self, setup: RegistrationSetup, to: Address, on_event: OnEvent) -> Registration:
        """Register and stay registered; `Registered` or `NotRegistered` follow each try."""
        return self._follow(self._agent.register(setup, boot_time()), to, on_event)

    def unregister(self, registration: Registration) -> None:
        """Take the contact back."""
        registration.stop(boot_time())
        self._pump()

    def _follow(self, machine: M, to: Address, on_event: OnEvent, trace: Trace | None = None) -> M:
        self._handlers[machine] = on_event
        if trace is not None:
            self._traces[machine] = trace
            self._traced[machine.call_id] = machine
        self._peers[machine] = to
        self._pump()
        return machine

    def _received(self, data: bytes, source: Address) -> None:
        now = boot_time()
        if data[:4] == b"SIP/" and (seen := _SEEN_AS.match(data)):
            self.seen_as[source.host] = (seen[1].decode().strip("[]"), int(seen[2]))
        call_id = self._agent.receive(data, source, now)
        if (machine := self._traced.get(call_id)) is not None and (trace := self._traces.get(machine)) is not None:
            trace.note(data, source, self._own(source), inward=True)
        self._pump()

    def _broken(self, address: Address) -> None:
        lost = [
            machine
            for machine, peer in self._peers.items()
            if (peer.transport, peer.host, peer.port) == (address.transport, address.host, address.port)
        ]
        for machine in lost:
            if isinstance(machine, OutgoingCall):
                machine.transport_failed(boot_time())
        self._pump()

    def _pump(self) -> None:
        """Send what is to be sent and tell what happened, until there is nothing more of either."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while True:
                sends = self._agent.take_sends()
                for send in sends:
                    self._send(send)
                events = self._agent.take_events()
                for machine, event in events:
                    self._tell(machine, event)
                if not sends and not events:
                    break
        finally:
            self._pumping = False
        self._arm()

    def _send(self, send: Send) -> None:
        to = send.to or self._peer(send)
        if to is None:
            return
        if to.transport != send.transport and send.to is None:
            to = replace(to, transport=send.transport)
        if not _is_address(to.host):
            if send.fenced:
                self._agent.sent(send, SendResult.NOT_SENT, boot_time())
            else:
                self._send_when_resolved(send, to)
            return
        result = self.wire.send(send, to)
        if result is SendResult.NOT_SENT and to.transport != "udp" and not send.fenced:
            # The far end's Contact may name an address that takes no connections: then the one that is held serves.
            own = self._peer(send)
            if own is not None and own != to:
                result = self.wire.send(send, own)
        if send.fenced:
            self._agent.sent(send, result, boot_time())
        if result is not SendResult.NOT_SENT and (trace := self._trace_of(send)) is not None:
            trace.note(send.data, to, self._own(to), inward=False)

    def _send_when_resolved(self, send: Send, to: Address) -> None:
        async def resolve() -> None:
            with suppress(OSError):
                hosts = await self.locator.addresses(to.host)
                if hosts:
                    self._send(replace(send, to=replace(to, host=hosts[0])))

        task = asyncio.create_task(resolve())
        self._resolving.add(task)
        task.add_done_callback(self._resolving.discard)

    def _own(self, other: Address) -> Address:
        return Address(other.transport, self.wire.own_host(other.host), self.wire.port)

    def _tell(self, machine: Machine, event: Event) -> None:
        on_event = self._handlers.get(machine)
        if isinstance(event, Ended | Pinged):
            self._handlers.pop(machine, None)
        if on_event is None:
            return
        try:
            on_event(event)
        except Exception:
            _log.exception("an event of a call's signalling could not be handled")

    def _peer(self, send: Send) -> Address | None:
        return None if send.owner is None else self._peers.get(send.owner)

    def _trace_of(self, send: Send) -> Trace | None:
        return None if send.owner is None else self._traces.get(send.owner)

    def _arm(self) -> None:
        due = self._agent.next_timer()
        if self._timer is not None:
            if due is not None and due >= self._timer_at:
                return  # it wakes up in time, and looks again then
            self._timer.cancel()
            self._timer = None
        if due is not None:
            self._timer_at = due
            self._timer = asyncio.get_running_loop().call_later(max(0.0, due - boot_time()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._agent.handle_timers(boot_time())
        self._pump()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
