"""Real calls: the SIP trunk (RFC 3261), whose signalling and media baresip does."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from baresip import Account, AudioNotActive, AudioRestarted, BaresipError, Event, StackEvent
from baresip.errors import split_status

from calloff.domain.errors import NotConfigured, OutcomeUnknown
from calloff.domain.masking import mask_numbers
from calloff.domain.permits import AbandonedAttempt, Permit
from calloff.domain.results import Result, result_of_sip_code
from calloff.trunks.base import Connected, Digit, Ended, Leg, Ringing, TrunkUnavailable
from calloff.trunks.dialstring import check_permit, parse_digits
from calloff.trunks.sip_settings import CallerIdHeader, SipTrunkSettings, SipUri
from calloff.trunks.sip_stack import SipCall, SipStack

_KEY_GAP_SECONDS = 0.16
"""A key is 100 ms long on the wire, and its end is sent three times, 20 ms apart (RFC 4733 section 2.5.1.4)."""
_PAUSE_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class _Line:
    """What the trunk keeps of a leg that is not over."""

    leg: Leg
    sip: SipCall | None = None
    connected: bool = False
    over: bool = False
    heard: bool = False
    result: Result = Result.CARRIER_ERROR
    """What the end means if it comes without a SIP status, before an answer."""
    why: str = ""
    """Why we hung up; empty as long as we did not."""
    timer: asyncio.TimerHandle | None = None
    silence: asyncio.TimerHandle | None = None


class SipTrunk:
    """A `Trunk` that dials through one carrier or PBX, with the process's `SipStack`.

    Exactly one INVITE goes out per leg, retransmissions and authentication aside: redirects (3xx) are not followed and
    end as the carrier's error. A far end that answers and disappears is noticed by its missing RTP, or at the latest
    after the session timeout; the stack has no session timers (RFC 4028) of its own, but answers those of the carrier.
    Raises `NotConfigured` for settings that cannot work together.
    """

    def __init__(self, settings: SipTrunkSettings, stack: SipStack) -> None:
        self._settings = settings
        self._stack = stack
        self._uri = SipUri.parse(settings.uri)
        if self._uri.transport == "tls" and stack.settings.verify_server and not self._uri.names_host:
            # The stack checks the name in a certificate against a host name only, and no name against an address.
            raise NotConfigured("A trunk over TLS must be given by host name, so that its certificate can be checked.")
        self._lines: dict[Leg, _Line] = {}
        self._running = False

    @property
    def ports(self) -> int:
        """How many legs this process can hold, on all its SIP trunks together."""
        return self._stack.settings.max_calls

    @property
    def dead(self) -> asyncio.Event:
        """Set when the process can place no more SIP calls and has to exit, to be started anew."""
        return self._stack.dead

    async def start(self) -> None:
        """Make ready to dial. Raises `TrunkUnavailable`."""
        if not self._running:
            await self._stack.acquire()
            self._running = True

    async def stop(self) -> None:
        """Hang up what is left and let go of the stack; a second call does nothing."""
        if self._running:
            self._running = False
            await asyncio.gather(*(self.hang_up(leg) for leg in list(self._lines)))
            await self._stack.release()

    async def dial(self, permit: Permit) -> Leg:
        """Send one INVITE and return when it has left, which over TCP or TLS may take a connection first.

        Raises `InvalidInput`, `TooLate` or `TrunkUnavailable`: then none was sent.
        """
        check_permit(permit)
        if not self._running:
            raise TrunkUnavailable("The SIP trunk is not running; start it before dialing.")
        line = _Line(Leg(permit))
        try:
            await self._stack.dial(
                self._account(permit.caller_id),
                self._uri.dialing(permit.number),
                self._headers(permit.caller_id),
                permit.deadline,
                lambda call, event: self._follow(line, call, event),
            )
        except OutcomeUnknown as error:
            line.over = True
            line.leg.publish(Ended(Result.UNKNOWN, None, error.message))
        if not line.over:
            self._lines[line.leg] = line
        return line.leg

    async def hang_up(self, leg: Leg) -> None:
        """CANCEL or BYE; `Ended` follows. A 200 that crosses the CANCEL is acknowledged and ended with a BYE."""
        if line := self._lines.get(leg):
            await self._end(line, Result.NO_ANSWER, "hung up by the dialer")

    async def take_over(self, attempt: AbandonedAttempt) -> None:
        """Nothing: this stack gives an attempt identifiers of its own, so nobody else can end it."""

    async def send_digits(self, leg: Leg, digits: str) -> None:
        """Send RFC 4733 events, or SIP INFO to a far end that offers no events; ends early with the leg."""
        for key in parse_digits(digits):
            line = self._lines.get(leg)
            if line is None or line.sip is None:
                return
            if key is None:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            with suppress(BaresipError):
                await line.sip.call.send_dtmf(key)
            await asyncio.sleep(_KEY_GAP_SECONDS)

    def write(self, leg: Leg, pcm: bytes) -> int:
        """Queue media, of which the stack holds two seconds."""
        line = self._lines.get(leg)
        if line is None or line.sip is None or not line.connected:
            return 0
        try:
            taken: int = line.sip.call.audio.write(pcm)
        except (AudioNotActive, AudioRestarted):
            return 0
        return taken

    def flush(self, leg: Leg) -> None:
        """Drop the queued media; the packet that is just being sent may still go."""
        line = self._lines.get(leg)
        if line is not None and line.sip is not None:
            with suppress(AudioNotActive, AudioRestarted):
                line.sip.call.audio.flush_tx()

    def read(self, leg: Leg, max_bytes: int) -> bytes:
        """Media that came, of which the stack keeps the newest second or two."""
        line = self._lines.get(leg)
        if line is None or line.sip is None or not line.connected or max_bytes <= 0:
            return b""
        try:
            pcm: bytes = line.sip.call.audio.read(max_bytes)
        except (AudioNotActive, AudioRestarted):
            return b""
        return pcm

    def _follow(self, line: _Line, call: SipCall, event: StackEvent) -> None:
        match event.event:
            case Event.CALL_OUTGOING:
                line.sip = call
                line.leg.sip_call_id = call.call_id or None
                line.timer = self._later(line, line.leg.permit.ring_timeout, "ring timeout")
            case Event.CALL_RINGING:
                line.leg.publish(Ringing(180))
            case Event.CALL_PROGRESS:
                line.leg.publish(Ringing(183))
            case Event.CALL_ESTABLISHED if not line.connected:
                self._answered(line, call)
            case Event.CALL_RTPESTAB:
                line.heard = True
            case Event.CALL_DTMF_START if event.text and line.connected:
                line.leg.publish(Digit(event.text))
            case Event.CALL_TRANSFER:
                self._stack.spawn(self._refuse_transfer(line))
            case Event.CALL_CLOSED:
                self._closed(line, event.text or "")
            case _:
                pass

    def _answered(self, line: _Line, call: SipCall) -> None:
        if line.timer is not None:
            line.timer.cancel()
        try:
            call.call.audio.info()
        except AudioNotActive:
            self._stack.spawn(self._end(line, Result.CARRIER_ERROR, "no codec in common"))
            return
        line.connected = True
        line.timer = self._later(line, self._settings.session_timeout, "session timeout")
        if rtp_timeout := self._stack.settings.rtp_timeout:
            # The stack's own timeout begins with the first packet, so it never notices when there is none.
            line.silence = self._later(line, rtp_timeout, "no media from the far end")
        line.leg.publish(Connected())

    def _closed(self, line: _Line, text: str) -> None:
        line.over = True
        self._lines.pop(line.leg, None)
        for timer in (line.timer, line.silence):
            if timer is not None:
                timer.cancel()
        code, phrase = split_status(text)
        reason = line.why or mask_numbers(phrase) or "hung up by the far end"
        if line.connected:
            line.leg.publish(Ended(Result.ANSWERED, 200, reason))
        elif self._stack.dead.is_set():
            line.leg.publish(Ended(Result.UNKNOWN, None, reason))
        elif line.why or code is None:
            line.leg.publish(Ended(line.result, None, reason))
        else:
            line.leg.publish(Ended(result_of_sip_code(code), code, reason))

    def _later(self, line: _Line, seconds: float, why: str) -> asyncio.TimerHandle:
        def expire() -> None:
            if why != "no media from the far end" or not line.heard:
                self._stack.spawn(self._end(line, Result.NO_ANSWER, why))

        return asyncio.get_running_loop().call_later(seconds, expire)

    async def _end(self, line: _Line, result: Result, why: str) -> None:
        line.result, line.why = result, line.why or why
        if line.sip is not None:
            await self._stack.hang_up(line.sip)

    async def _refuse_transfer(self, line: _Line) -> None:
        if line.sip is not None:
            with suppress(BaresipError):
                await line.sip.call.reject_transfer()

    def _account(self, caller_id: str | None) -> Account:
        settings = self._settings
        shown = caller_id if caller_id and settings.caller_id_header == CallerIdHeader.FROM else settings.user
        extra = ["call_transfer=no", "inreq_allowed=no"]
        if settings.srtp:
            extra.append("mediaenc=srtp-mand")
        return Account(
            user=shown,
            domain=self._uri.address,
            password=settings.password,
            auth_user=settings.auth_user or settings.user,
            reg_interval=0,
            transport=self._uri.transport,
            audio_codecs=settings.codecs,
            dtmf_mode="auto",
            extra_params=tuple(extra),
        )

    def _headers(self, caller_id: str | None) -> dict[str, str]:
        if caller_id is None:
            return {}
        identity = f"<sip:{caller_id}@{self._uri.address}>"
        match self._settings.caller_id_header:
            case CallerIdHeader.FROM:
                return {}
            case CallerIdHeader.PAI:
                return {"P-Asserted-Identity": identity}
            case CallerIdHeader.RPID:
                return {"Remote-Party-ID": f"{identity};party=calling;screen=yes;privacy=off"}
