"""The SIP stack of a process: baresip's thread, its user agents, and which call each of its events belongs to."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field

from baresip import (
    Account,
    BaresipError,
    Call,
    CommandTimeout,
    Config,
    Event,
    Runtime,
    RuntimeDead,
    StackEvent,
    UserAgent,
)
from baresip._native import lib  # type: ignore[import-not-found]

from calloff.domain.errors import OutcomeUnknown
from calloff.domain.masking import mask_numbers
from calloff.trunks.base import TooLate, TrunkUnavailable, boot_time
from calloff.trunks.sip_log import capture
from calloff.trunks.sip_settings import SipStackSettings
from calloff.trunks.sip_trace import Invite, SipTrace

_log = logging.getLogger(__name__)

MAX_USER_AGENTS = 500
"""From users that one stack can show in its life. baresip-python keeps user agents and calls in one table of 1,023
and never frees a user agent, so past this the process has to be restarted."""
ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - the stack then binds the addresses of the interfaces it finds, one by one
_STRAGGLER_SECONDS = 0.1
_TRANSACTION_SECONDS = 32.0
"""How long an INVITE may go without a response (Timer B of RFC 3261 section 17.1.1.2)."""
_PATIENCE_AT_STOP_SECONDS = 1.0

EventHandler = Callable[["SipCall", StackEvent], None]


@dataclass(slots=True, eq=False)
class SipCall:
    """A call of the stack that is not over, with the event handler of the trunk that dialed it."""

    call: Call
    call_id: str
    on_event: EventHandler
    invite: Invite
    over: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: bool = False


class SipStack:
    """The SIP and RTP stack of this process; baresip's state is global, so there is one, and all SIP trunks share it.

    It holds at most 255 calls. baresip numbers the calls of one user agent from 1 to 255 (`CALL_LINENUM_MAX` in its
    core), and baresip-python has audio buffers for 256 calls in the process (`BP_AUDIO_SLOTS`); so 255 is what holds
    however the calls spread over user agents.

    Requests from outside: an INVITE that would open a call is refused (404, 486 or 500), whoever sent it, and no
    request can make the process dial. The stack cannot tell the trunk's addresses from others; a firewall has to.
    """

    def __init__(self, settings: SipStackSettings | None = None) -> None:
        self.settings = settings or SipStackSettings()
        self.dead = asyncio.Event()
        """Set when this process can place no more calls, ever: it has to exit and be started anew."""
        self._runtime: Runtime | None = None
        self._trace: SipTrace | None = None
        self._users = 0
        self._switching = asyncio.Lock()
        self._hanging_up = asyncio.Lock()
        self._agents: dict[str, UserAgent] = {}
        self._calls: dict[int, SipCall] = {}
        self._early: dict[int, list[StackEvent]] = {}
        self._dialing = 0
        self._worn = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def acquire(self) -> None:
        """Start, if nobody did before. Raises `TrunkUnavailable`."""
        async with self._switching:
            if self._runtime is None:
                await self._start()
            self._users += 1

    async def release(self) -> None:
        """Undo one `acquire`, and stop with the last one; calls that are left are hung up."""
        async with self._switching:
            self._users -= 1
            if self._users or self._runtime is None:
                return
            await asyncio.gather(*(self.hang_up(call) for call in list(self._calls.values())))
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_PATIENCE_AT_STOP_SECONDS)
            runtime, self._runtime = self._runtime, None
            self._agents.clear()
            with suppress(BaresipError):
                await runtime.close()
            if self._trace is not None:
                self._trace.stop()

    async def dial(
        self,
        account: Account,
        uri: str,
        headers: dict[str, str],
        deadline: float,
        on_event: EventHandler,
    ) -> SipCall:
        """Send one INVITE before `deadline` (`boot_time()`), and return when it has left.

        `on_event` gets every event of the call in order, up to `CALL_CLOSED`; the first ones come before this returns.
        Raises `TooLate` or `TrunkUnavailable`: then no INVITE has left; or `OutcomeUnknown`.
        """
        if self._runtime is None or self._trace is None or self.dead.is_set():
            raise TrunkUnavailable("The SIP stack is not running; the dialer has to be restarted.")
        if len(self._calls) + self._dialing >= self.settings.max_calls:
            raise TrunkUnavailable("The SIP stack holds as many calls as it can; run more dialers.")
        self._dialing += 1
        try:
            agent = await self._agent(self._runtime, account)
            if boot_time() > deadline:
                raise TooLate("The time in which this attempt had to leave is over; no INVITE was sent.")
            call = await self._connect(agent, uri, headers, on_event, self._trace)
        finally:
            self._dialing -= 1
        try:
            in_time = await _first(deadline - boot_time(), call.invite.left, call.over)
        except asyncio.CancelledError:
            self.spawn(self._take_back(call))
            raise
        if not in_time:
            await self.hang_up(call)
            if not await _first(_STRAGGLER_SECONDS, call.invite.left):
                raise TooLate("The trunk could not be reached in the time in which this attempt had to leave.")
        return call

    async def hang_up(self, call: SipCall) -> None:
        """CANCEL or BYE, by the state of the call; `CALL_CLOSED` follows. Harmless if it is over.

        A CANCEL has to wait for the first response (RFC 3261 section 9.1). The stack does not wait for it but forgets
        the call, and its far end would ring on; so such a call is closed to its trunk now and hung up when it is heard.
        """
        if not call.invite.left.is_set() or call.invite.heard.is_set():
            await self._hang_up_now(call)
        elif not call.given_up:
            call.given_up = True
            on_event, call.on_event = call.on_event, _ignore
            self.spawn(self._hang_up_when_heard(call))
            on_event(call, StackEvent(Event.CALL_CLOSED, call=call.call.handle))

    async def _hang_up_when_heard(self, call: SipCall) -> None:
        await _first(_TRANSACTION_SECONDS, call.invite.heard, call.over)
        await self._hang_up_now(call)

    async def _hang_up_now(self, call: SipCall) -> None:
        try:
            # The stack waits for a call's media threads to end, for up to two packet times; one at a time, so that an
            # INVITE never stands behind many of them.
            async with self._hanging_up:
                await call.call.hangup()
        except (CommandTimeout, RuntimeDead):
            self._die("The SIP thread no longer answers.")
        except BaresipError as error:
            _log.debug("hanging up %s: %s", call.call_id, mask_numbers(str(error)))

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run `work` on the side."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self) -> None:
        self._trace = SipTrace(asyncio.get_running_loop())
        capture(self._trace)
        runtime = Runtime()
        runtime.on_dead = lambda: self._die("The SIP thread has ended.")
        runtime.subscribe(self._route)
        try:
            await runtime.start(_config(self.settings))
            await runtime.cmd(lib.BP_CMD_SET_DRAIN)
        except BaresipError as error:
            raise TrunkUnavailable(f"The SIP stack does not start: {mask_numbers(str(error))}.") from error
        self._runtime = runtime

    async def _agent(self, runtime: Runtime, account: Account) -> UserAgent:
        key = account.aor()
        if agent := self._agents.get(key):
            return agent
        if self._worn or len(self._agents) >= MAX_USER_AGENTS:
            self._worn = True
            self._retire()
            raise TrunkUnavailable("This dialer has shown as many caller IDs as it can and is about to restart.")
        try:
            agent = await UserAgent.create(runtime, account)
        except BaresipError as error:
            raise TrunkUnavailable(f"The SIP stack refuses the trunk: {mask_numbers(str(error))}.") from error
        return self._agents.setdefault(key, agent)

    async def _connect(
        self,
        agent: UserAgent,
        uri: str,
        headers: dict[str, str],
        on_event: EventHandler,
        trace: SipTrace,
    ) -> SipCall:
        dialing = asyncio.create_task(agent.dial(uri, headers))
        try:
            native = await asyncio.shield(dialing)
        except asyncio.CancelledError:
            self.spawn(self._abandon(dialing, trace))
            raise
        except (CommandTimeout, RuntimeDead) as error:
            self._die("The SIP thread no longer answers.")
            raise OutcomeUnknown("The SIP stack stopped to answer; whether an INVITE has left is not known.") from error
        except BaresipError as error:
            raise TrunkUnavailable(f"The SIP stack refuses to dial: {mask_numbers(str(error))}.") from error
        return self._adopt(native, on_event, trace)

    def _adopt(self, native: Call, on_event: EventHandler, trace: SipTrace) -> SipCall:
        early = self._early.pop(native.handle, [])
        call_id = next((event.call_id for event in early if event.call_id), "")
        call = SipCall(native, call_id, on_event, trace.follow(call_id))
        self._calls[native.handle] = call
        for event in early:
            self._deliver(call, event)
            if event.event is Event.CALL_CLOSED and self._runtime is not None:
                # If the native call was made too late to see its own end, it would stay subscribed for ever.
                with suppress(ValueError):
                    self._runtime.unsubscribe(native._on_stack_event)
        return call

    async def _abandon(self, dialing: asyncio.Task[Call], trace: SipTrace) -> None:
        with suppress(BaresipError):
            await self._take_back(self._adopt(await dialing, _ignore, trace))

    async def _take_back(self, call: SipCall) -> None:
        await _first(_STRAGGLER_SECONDS, call.invite.left, call.over)
        await self.hang_up(call)

    def _route(self, event: StackEvent) -> None:
        if call := self._calls.get(event.call):
            self._deliver(call, event)
        elif event.event is Event.CALL_OUTGOING or event.call in self._early:
            # Reports on a call may come before the command that dialed it has come back to us.
            self._early.setdefault(event.call, []).append(event)

    def _deliver(self, call: SipCall, event: StackEvent) -> None:
        if event.event in (Event.CALL_RINGING, Event.CALL_PROGRESS, Event.CALL_ESTABLISHED):
            call.invite.heard.set()
        if event.event is Event.CALL_CLOSED:
            self._calls.pop(call.call.handle, None)
            if self._trace is not None:
                self._trace.forget(call.call_id)
            call.over.set()
        call.on_event(call, event)
        if self._worn:
            self._retire()

    def _retire(self) -> None:
        if not self._calls:
            self._die("As many caller IDs have been shown as the stack can hold.")

    def _die(self, why: str) -> None:
        if not self.dead.is_set():
            _log.error("%s This process can place no more calls and has to be restarted.", why)
            self.dead.set()
        for call in list(self._calls.values()):
            self._deliver(call, StackEvent(Event.CALL_CLOSED, call=call.call.handle, text=why))


def _ignore(call: SipCall, event: StackEvent) -> None:
    """Take an event of a call that nobody follows any more."""


def _config(settings: SipStackSettings) -> Config:
    lines = [
        f"sip_listen {settings.local_address or ANY_ADDRESS}:{settings.sip_port}",
        "sip_transports udp,tcp,tls",
        f"sip_verify_server {'yes' if settings.verify_server else 'no'}",
        f"rtp_ports {settings.rtp_ports[0]}-{settings.rtp_ports[1]}",
        "call_local_timeout 0",
        "dns_getaddrinfo yes",
    ]
    system = ssl.get_default_verify_paths()
    if ca_file := settings.ca_file or system.cafile:
        lines.append(f"sip_cafile {ca_file}")
    elif system.capath:
        lines.append(f"sip_capath {system.capath}")
    return Config(
        net_interface=settings.local_address,
        native_log_level="warning",
        sip_trace=True,
        max_concurrent_calls=None,
        rtp_timeout=settings.rtp_timeout,
        extra_config_text="\n".join(lines) + "\n",
    )


async def _first(seconds: float, *events: asyncio.Event) -> bool:
    """Whether one of `events` is set within `seconds`."""
    if any(event.is_set() for event in events):
        return True
    waits = [asyncio.create_task(event.wait()) for event in events]
    done, _ = await asyncio.wait(waits, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return bool(done)
